#include <string>

#include "catch.h"
#include "order.h"

namespace order_flow {
namespace {

const Order kOrder{.number = "536365",
                   .kind = OrderKind::kReturn,
                   .customer = "17850.0",
                   .coupon = "THANKS-536365",
                   .total = 139'120,
                   .items = {{"85123A", 6}, {"BANK \xFF CHARGES", 1'000'000'000}}};

TEST_CASE("An order comes back from its bytes as it was") {
  std::string bytes;
  REQUIRE(skald::Encode(kOrder, &bytes).ok());
  const absl::StatusOr<Order> order = skald::Decode<Order>(bytes);
  REQUIRE(order.ok());
  CHECK(*order == kOrder);
}

TEST_CASE("Bytes that are cut off, too long or of no order are refused") {
  std::string bytes;
  REQUIRE(skald::Encode(kOrder, &bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK(skald::Decode<Order>(std::string_view(bytes).substr(0, size)).status().code() ==
          absl::StatusCode::kDataLoss);
  }
  CHECK_FALSE(skald::Decode<Order>(bytes + "x").ok());
  bytes[0] = 3;
  CHECK_FALSE(skald::Decode<Order>(bytes).ok());
}

TEST_CASE("A decision carries either what was granted or why not") {
  std::string bytes;
  REQUIRE(skald::Encode(Decision<int64_t>{"out of stock", 7}, &bytes).ok());
  const auto decision = skald::Decode<Decision<int64_t>>(bytes);
  REQUIRE(decision.ok());
  CHECK(decision->refusal == "out of stock");
  CHECK(decision->granted == 7);
  CHECK_FALSE(skald::Decode<Decision<int64_t>>("").ok());
  CHECK_FALSE(skald::Decode<Decision<int64_t>>(bytes + "x").ok());
}

}  // namespace
}  // namespace order_flow
