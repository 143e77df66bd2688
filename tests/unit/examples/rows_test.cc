#include "rows.h"

#include <string>

#include "catch.h"

namespace order_flow {
namespace {

template <typename Row>
void CheckDamageIsSeen(const Row& row) {
  const std::string bytes = EncodeRow(row);
  REQUIRE(DecodeRow<Row>("key", bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = DecodeRow<Row>("key", bytes.substr(0, size));
    REQUIRE(cut.status().code() == absl::StatusCode::kDataLoss);
    REQUIRE(std::string(cut.status().message()).find("'key'") != std::string::npos);
  }
  CHECK_FALSE(DecodeRow<Row>("key", bytes + '\0').ok());
  CHECK_FALSE(DecodeRow<Row>("key", '\2' + bytes.substr(1)).ok());  // another format
}

TEST_CASE("Business rows come back as they were") {
  const auto stock = DecodeRow<StockRow>("k", EncodeRow(StockRow{10, 4, 3, 5, 2}));
  REQUIRE(stock.ok());
  CHECK(stock->initial == 10);
  CHECK(stock->on_hand == 4);
  CHECK(stock->reserved == 3);
  CHECK(stock->sold == 5);
  CHECK(stock->returned == 2);
  const auto goods = DecodeRow<GoodsRow>(
      "k", EncodeRow(GoodsRow{GoodsState::kSold, 2, 1234, true, "C", {{"A B", 7}, {"", 1}}}));
  REQUIRE(goods.ok());
  CHECK(goods->state == GoodsState::kSold);
  CHECK(goods->total == 1234);
  CHECK(goods->registered);
  CHECK(goods->coupon == "C");
  CHECK(goods->items == std::vector<OrderItem>{{"A B", 7}, {"", 1}});
  const auto hold =
      DecodeRow<HoldRow>("k", EncodeRow(HoldRow{HoldState::kGranted, "17850.0", 5, 9}));
  REQUIRE(hold.ok());
  CHECK(hold->state == HoldState::kGranted);
  CHECK(hold->customer == "17850.0");
  CHECK(hold->points == 5);
  CHECK(hold->granted == 9);
}

TEST_CASE("A business row that is cut off, too long or of another format does not read") {
  CheckDamageIsSeen(StockRow{1'000'000'000'000, -1, 2, 3, 4});
  CheckDamageIsSeen(GoodsRow{GoodsState::kReturned, 1, 1, false, "", {{"A", 1}}});
  CheckDamageIsSeen(SetupRow{1, 2, 3, {{"malformed", 1}}, {}});
  CheckDamageIsSeen(CouponRow{CouponState::kRestored, "536365", 100});
  CheckDamageIsSeen(AccountRow{1, 2, 3, 4});
  CheckDamageIsSeen(HoldRow{HoldState::kFrozen, "17850.0", 1, 2});
  CheckDamageIsSeen(PaymentRow{4, 1, 2, 1});
  CheckDamageIsSeen(RefundRow{300});
  CheckDamageIsSeen(HeldRow{HeldState::kUsed, 300, 200});
}

TEST_CASE("A state that there is not does not read") {
  std::string bytes = EncodeRow(GoodsRow{GoodsState::kReserved, 1, 1, false, "", {}});
  for (const char state : {'\0', '\6', '\x7f'}) {
    bytes[1] = state;
    CHECK_FALSE(DecodeRow<GoodsRow>("k", bytes).ok());
  }
}

// docs of the rows promise these bytes: format, then zigzag varints.
TEST_CASE("A stock row stands as its grammar says") {
  CHECK(EncodeRow(StockRow{10, 4, 3, 5, 2}) == std::string("\x01\x14\x08\x06\x0a\x04"));
}

}  // namespace
}  // namespace order_flow
