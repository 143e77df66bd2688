#include "order_book.h"

#include <map>
#include <string>

#include "catch.h"

namespace order_flow {
namespace {

using Counts = std::map<std::string, int64_t>;

const std::string kHeader =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

// number,item,quantity,price,customer → a whole line
std::string Line(std::string number, std::string item, std::string quantity, std::string price,
                 std::string customer = "17850.0") {
  return number + "," + item + ",\"A, \"\"B\"\"\"," + quantity + ",2010-12-01 08:26:00," + price +
         "," + customer + ",France\n";
}

absl::StatusOr<std::unique_ptr<OrderBook>> TryRead(const std::string& text) {
  TextSource source(text);
  return OrderBook::Read(source, "'orders.csv'");
}

std::unique_ptr<OrderBook> Read(const std::string& lines) {
  absl::StatusOr<std::unique_ptr<OrderBook>> book = TryRead(kHeader + lines);
  REQUIRE(book.ok());
  return *std::move(book);
}

std::string Refusal(const std::string& text) {
  const absl::StatusOr<std::unique_ptr<OrderBook>> book = TryRead(text);
  REQUIRE(book.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(book.status().message());
}

TEST_CASE("An order is all lines of one invoice, wherever they stand") {
  const auto book = Read(Line("7", "A", "2", "1.5") + Line("8", "B", "1", "0.25") +
                         Line("7", "B", "3", "0.25") + Line("7", "A", "1", "2"));
  REQUIRE(book->size() == 2);
  const Order first = book->At(0);
  CHECK(first.number == "7");
  CHECK(first.kind == OrderKind::kSale);
  CHECK(first.customer == "17850.0");
  CHECK(first.total == 2 * 1500 + 3 * 250 + 2000);
  CHECK(first.items == std::vector<OrderItem>{{"A", 3}, {"B", 3}});
  CHECK(book->At(1).number == "8");
  CHECK(book->counts().lines_read == 4);
  CHECK(book->counts().invoices == 2);
}

TEST_CASE("An invoice of C and digits is a return, its quantities are negative") {
  const auto book = Read(Line("C7", "A", "-2", "1.5") + Line("C7", "A", "3", "1.5") +
                         Line("C7", "B", "0", "1.5"));
  REQUIRE(book->size() == 1);
  CHECK(book->At(0).kind == OrderKind::kReturn);
  CHECK(book->At(0).total == 3000);
  CHECK(book->At(0).items == std::vector<OrderItem>{{"A", 2}});
  CHECK(book->counts().lines_dropped == Counts{{"quantity_not_negative", 2}});
}

TEST_CASE("Other invoices are refused and their lines are not counted as dropped") {
  const auto book =
      Read(Line("A7", "B", "1", "-11062.06") + Line("c7", "B", "x", "1") +
           Line("C", "B", "-1", "1") + Line("", "B", "1", "1") + Line("7x", "B", "1", "1"));
  CHECK(book->size() == 0);
  CHECK(book->counts().orders_refused == Counts{{"unknown_invoice_type", 5}});
  CHECK(book->counts().lines_dropped.empty());
  CHECK(book->counts().lines_read == 5);
}

TEST_CASE("A line is dropped under the first reason that fits") {
  const auto book =
      Read(Line("7", "A", "1", "1") + Line("7", "A", "-1", "0.0") + Line("7", "A", "1", "0.0") +
           Line("7", "A", "1", "-1") + Line("7", "A", "-1", "1.2345") + Line("7", "A", "one", "0") +
           "7,too,few\n" + Line("7", "A", "1,1", "1"));
  CHECK(book->counts().lines_dropped ==
        Counts{{"malformed", 4}, {"price_not_positive", 2}, {"quantity_not_positive", 1}});
  CHECK(book->At(0).total == 1000);
}

TEST_CASE("An order with no line left is refused, its lines count as dropped") {
  const auto book = Read(Line("7", "A", "0", "1") + Line("7", "A", "1", "0"));
  CHECK(book->size() == 0);
  CHECK(book->counts().orders_refused == Counts{{"no_valid_line", 1}});
  CHECK(book->counts().lines_dropped ==
        Counts{{"price_not_positive", 1}, {"quantity_not_positive", 1}});
}

TEST_CASE("Numbers that cannot be multiplied and codes that are too long are malformed") {
  const auto book =
      Read(Line("7", "A", "1000000000", "1000000000") + Line("7", std::string(257, 'A'), "1", "1") +
           Line(std::string(10'000, '7'), "A", "1", "1"));
  CHECK(book->size() == 0);
  CHECK(book->counts().lines_dropped == Counts{{"malformed", 3}});
  CHECK(book->counts().invoices == 2);
}

TEST_CASE("A line over the bound is malformed and costs its order nothing else") {
  const auto book =
      Read(Line("7", "A", "1", "1") + "7,A,\"" + std::string(kRecordBytesMax + 1, 'x') +
           "\",1,,1,,\n" + Line("7", "B", "1", "1"));
  CHECK(book->counts().lines_dropped == Counts{{"malformed", 1}});
  CHECK(book->At(0).items == std::vector<OrderItem>{{"A", 1}, {"B", 1}});
}

TEST_CASE("An order that does not fit a saga's input is refused") {
  std::string lines;
  for (int i = 0; i < 4500; ++i) {
    lines += Line("7", std::to_string(i) + std::string(250, 'x'), "1", "1");
  }
  const auto book = Read(lines);
  CHECK(book->counts().orders_refused == Counts{{"too_large", 1}});
  CHECK(book->counts().lines_dropped.empty());
}

TEST_CASE("A guest has no coupon, and who has one is drawn by the order's number") {
  CHECK(CouponOf("7", "").empty());
  int coupons = 0;
  for (int i = 0; i < 1000; ++i) coupons += !CouponOf(std::to_string(i), "17850").empty();
  CHECK(coupons > 80);
  CHECK(coupons < 170);
}

TEST_CASE("Demand is what sales order; items that are only returned are known too") {
  const auto book =
      Read(Line("7", "A", "2", "1") + Line("8", "A", "3", "1") + Line("C9", "A", "-1", "1") +
           Line("C9", "R", "-1", "1") + Line("10", "Z", "1", "0"));
  CHECK(book->demand() == Demand{{"A", 5}, {"R", 0}});
}

TEST_CASE("The header is checked by name and order") {
  CHECK(Refusal("").find("is empty") != std::string::npos);
  CHECK(Refusal(Line("7", "A", "1", "1")).find("does not begin with the header") !=
        std::string::npos);
  const std::string swapped =
      "StockCode,InvoiceNo,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
  CHECK(Refusal(swapped).find("in another order") != std::string::npos);
  CHECK(Refusal(std::string(2 << 20, 'x')).find("does not begin with the header") !=
        std::string::npos);
  CHECK(TryRead("\xEF\xBB\xBF" + kHeader).ok());
}

TEST_CASE("What stands where the header should sends a terminal nothing that it obeys") {
  const std::string refusal = Refusal("\x1b[2J\a, caf\xC3\xA9");
  CHECK(refusal.find("\\033[2J\\007") != std::string::npos);
  CHECK(refusal.find('\x1b') == std::string::npos);
  CHECK(refusal.find('\a') == std::string::npos);
}

TEST_CASE("Inputs with the same bytes have the same identity") {
  CHECK(Read(Line("7", "A", "1", "1"))->identity() == Read(Line("7", "A", "1", "1"))->identity());
  CHECK(Read(Line("7", "A", "1", "1"))->identity() != Read(Line("7", "A", "2", "1"))->identity());
}

}  // namespace
}  // namespace order_flow
