#include "money.h"

#include "catch.h"

namespace order_flow {
namespace {

TEST_CASE("Prices are read exactly, in thousandths") {
  CHECK(ParseMills("2.55") == 2550);
  CHECK(ParseMills("0.001") == 1);
  CHECK(ParseMills("7") == 7000);
  CHECK(ParseMills("0.1") == 100);
  CHECK(ParseMills("-11062.06") == -11'062'060);
  CHECK(ParseMills("0") == 0);
  CHECK(ParseMills("4503599627.370") == std::nullopt);  // over the bound of a billion
  CHECK(ParseMills("1000000000") == kPriceMax);
}

TEST_CASE("A price with more than three decimals is not a price") {
  CHECK(ParseMills("1.2345") == std::nullopt);
  CHECK(ParseMills("1.0000") == std::nullopt);
  CHECK(ParseMills("1.234") == 1234);
}

TEST_CASE("What is not a plain decimal number is not a price") {
  for (const char* text : {"", "-", ".", "1.", ".5", "1e3", "+1", " 1", "1 ", "1,5", "0x1", "nan",
                           "1.2.3", "1.-2", "--1", "1\xC2\xA3"}) {
    INFO(text);
    CHECK(ParseMills(text) == std::nullopt);
  }
}

TEST_CASE("Quantities are whole numbers within their bound") {
  CHECK(ParseQuantity("6") == 6);
  CHECK(ParseQuantity("-9360") == -9360);
  CHECK(ParseQuantity("0") == 0);
  CHECK(ParseQuantity("1000000000") == kQuantityMax);
  for (const char* text :
       {"", "-", "6.0", "six", "1000000001", "99999999999999999999", "+6", " 6"}) {
    INFO(text);
    CHECK(ParseQuantity(text) == std::nullopt);
  }
}

TEST_CASE("Money and counts are written with thousands apart") {
  CHECK(FormatPounds(2'756'381'950) == "2,756,381.950");
  CHECK(FormatPounds(-1) == "-0.001");
  CHECK(FormatCount(0) == "0");
  CHECK(FormatCount(999) == "999");
  CHECK(FormatCount(-1'408'105) == "-1,408,105");
}

}  // namespace
}  // namespace order_flow
