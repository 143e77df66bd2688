#include "generator.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.h"

namespace order_flow {
namespace {

constexpr uint64_t kOrders = 5000;

TEST_CASE("One seed gives one sequence of orders, another seed another") {
  const GeneratedOrders a(100, 7);
  const GeneratedOrders b(100, 7);
  const GeneratedOrders c(100, 8);
  int same = 0;
  for (size_t i = 0; i < 100; ++i) {
    CHECK(a.At(i) == b.At(i));
    same += a.At(i) == c.At(i);
  }
  CHECK(same == 0);
  CHECK(a.identity() == b.identity());
  CHECK(a.identity() != c.identity());
  CHECK(a.demand() == b.demand());
}

TEST_CASE("Generated orders are whole: numbered once, with lines, units and money") {
  const GeneratedOrders orders(kOrders, 1);
  std::set<std::string> numbers;
  for (size_t i = 0; i < orders.size(); ++i) {
    const Order order = orders.At(i);
    numbers.insert(order.number);
    REQUIRE_FALSE(order.items.empty());
    REQUIRE(order.total > 0);
    std::set<std::string> codes;
    for (const OrderItem& item : order.items) {
      REQUIRE(item.quantity > 0);
      codes.insert(item.code);
    }
    REQUIRE(codes.size() == order.items.size());
    REQUIRE((order.number[0] == 'C') == (order.kind == OrderKind::kReturn));
    if (order.guest()) REQUIRE(order.coupon.empty());
  }
  CHECK(numbers.size() == kOrders);
}

// The bounds are around the log that the generator takes its shares from: 18 % returns, 9 % guests,
// 22 lines an order on the mean and 11 in the median, its most wanted tenth of items in half of all
// lines.
TEST_CASE("Generated orders have the sizes and the skew of a shop") {
  const GeneratedOrders orders(kOrders, 1);
  size_t returns = 0;
  size_t guests = 0;
  std::vector<size_t> sizes;
  std::map<std::string, int> lines_of;
  for (size_t i = 0; i < orders.size(); ++i) {
    const Order order = orders.At(i);
    returns += order.kind == OrderKind::kReturn;
    guests += order.guest();
    sizes.push_back(order.items.size());
    for (const OrderItem& item : order.items) ++lines_of[item.code];
  }
  CHECK(returns > kOrders * 12 / 100);
  CHECK(returns < kOrders * 18 / 100);
  CHECK(guests > kOrders * 6 / 100);
  CHECK(guests < kOrders * 10 / 100);
  std::ranges::sort(sizes);
  CHECK(sizes[sizes.size() / 2] >= 8);
  CHECK(sizes[sizes.size() / 2] <= 16);
  CHECK(sizes.back() > 100);
  std::vector<int> popular;
  int64_t all = 0;
  for (const auto& [code, lines] : lines_of) {
    popular.push_back(lines);
    all += lines;
  }
  std::ranges::sort(popular, std::greater());
  int64_t tenth = 0;
  for (size_t i = 0; i < popular.size() / 10; ++i) tenth += popular[i];
  CHECK(tenth * 100 > all * 40);
}

TEST_CASE("Generated figures are those of the orders themselves") {
  const GeneratedOrders orders(500, 3);
  Demand demand;
  for (const auto& [code, units] : orders.demand()) demand[code] = 0;
  for (size_t i = 0; i < orders.size(); ++i) {
    const Order order = orders.At(i);
    for (const OrderItem& item : order.items) {
      demand.at(item.code) += order.kind == OrderKind::kSale ? item.quantity : 0;
    }
  }
  CHECK(orders.demand() == demand);
  CHECK(orders.counts().invoices == 500);
  CHECK(orders.counts().lines_read > 500);
}

}  // namespace
}  // namespace order_flow
