#include <algorithm>
#include <string>
#include <vector>

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

TEST_CASE("A parcel comes back from its bytes as it was, and damaged ones are refused") {
  const Parcel parcel{.number = "536365",
                      .warehouse = 2,
                      .parcels = 3,
                      .total = 139'120,
                      .registered = true,
                      .coupon = "C",
                      .items = {{"85123A", 6}}};
  std::string bytes;
  REQUIRE(skald::Encode(parcel, &bytes).ok());
  REQUIRE(skald::Decode<Parcel>(bytes).ok());
  CHECK(*skald::Decode<Parcel>(bytes) == parcel);
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(skald::Decode<Parcel>(std::string_view(bytes).substr(0, size)).ok());
  }
  bytes[7] = kWarehouses;
  CHECK_FALSE(skald::Decode<Parcel>(bytes).ok());
}

TEST_CASE("An order's parcels have each of its items once, by warehouse") {
  Order order{.number = "1", .customer = "c", .total = 7, .items = {}};
  for (int i = 0; i < 40; ++i) order.items.push_back({"item " + std::to_string(i), i + 1});
  const std::vector<Parcel> parcels = ParcelsOf(order);
  REQUIRE(parcels.size() == kWarehouses);
  std::vector<OrderItem> items;
  for (const Parcel& parcel : parcels) {
    CHECK(parcel.number == "1");
    CHECK(parcel.parcels == kWarehouses);
    CHECK(parcel.total == 7);
    CHECK(parcel.registered);
    for (const OrderItem& item : parcel.items) {
      CHECK(WarehouseOf(item.code) == parcel.warehouse);
      items.push_back(item);
    }
  }
  std::sort(items.begin(), items.end());
  std::sort(order.items.begin(), order.items.end());
  CHECK(items == order.items);
  order.items.resize(1);
  CHECK(ParcelsOf(order).size() == 1);
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
