#include "generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "order_book.h"

namespace order_flow {
namespace {

// Shares and sizes as they are in the UCI "Online Retail" log, rounded.
constexpr uint32_t kItems = 3500;
constexpr double kItemSkew = 0.8;  // Zipf's exponent
constexpr double kReturnShare = 0.15;
constexpr double kGuestShare = 0.08;
constexpr double kSaleLinesMean = 20;
constexpr double kReturnLinesMean = 2.3;
constexpr int64_t kLinesMax = 500;
constexpr double kUnitsMean = 9;
constexpr double kWholesaleShare = 0.03;  // of lines, by the dozen dozen
constexpr int64_t kWholesaleFactor = 12;
constexpr uint64_t kOrdersPerCustomer = 3;
constexpr uint64_t kFirstNumber = 1'000'000;
constexpr uint64_t kFirstCustomer = 12'000;

// 1, 2, 3, … with the given mean: as if each further one came with equal odds.
int64_t DrawGeometric(skald::Random& random, double mean, int64_t max) {
  const double draw = 1 - random.UnitInterval();  // in (0, 1]
  const double value = 1 + std::floor(std::log(draw) / std::log(1 - 1 / mean));
  return std::min(max, static_cast<int64_t>(value));
}

// Popular items are cheap ones: from 0.29 up, in steps that a shop would print.
Mills PriceOf(uint32_t item) {
  uint64_t state = item;
  const uint64_t draw = skald::SplitMix64(state);
  return static_cast<Mills>(290 + draw % 50 * 100 + (draw >> 32) % 10 * 50);
}

std::string CodeOf(uint32_t item) {
  return item % 5 == 0 ? fmt::format("{}{}", 20'000 + item, static_cast<char>('A' + item / 5 % 6))
                       : fmt::format("{}", 20'000 + item);
}

}  // namespace

GeneratedOrders::GeneratedOrders(uint64_t count, uint64_t seed)
    : count_(count),
      seed_(seed),
      identity_(fmt::format("generated {} seed {} form 1", count, seed)) {
  double sum = 0;
  for (uint32_t i = 0; i < kItems; ++i) {
    sum += std::pow(i + 1, -kItemSkew);
    popularity_.push_back(sum);
  }
  std::vector<std::pair<std::string, int64_t>> demand;
  for (uint32_t i = 0; i < kItems; ++i) demand.emplace_back(CodeOf(i), 0);
  demand_.insert(demand.begin(), demand.end());
  counts_.invoices = static_cast<int64_t>(count);
  for (size_t i = 0; i < count_; ++i) {
    const Order order = Draw(i, counts_.lines_read);
    if (order.kind == OrderKind::kReturn) continue;
    for (const OrderItem& item : order.items) demand_[item.code] += item.quantity;
  }
}

uint32_t GeneratedOrders::DrawItem(skald::Random& random) const {
  const double at = random.UnitInterval() * popularity_.back();
  const auto found = std::upper_bound(popularity_.begin(), popularity_.end(), at);
  const auto item = static_cast<uint32_t>(found - popularity_.begin());
  return std::min(item, kItems - 1);
}

std::string GeneratedOrders::Number(size_t index, OrderKind kind) const {
  return fmt::format("{}{}", kind == OrderKind::kReturn ? "C" : "", kFirstNumber + index);
}

Order GeneratedOrders::Draw(size_t index, int64_t& lines) const {
  uint64_t state = seed_;
  skald::SeededRandom random(skald::SplitMix64(state) ^ (index * 0x9e3779b97f4a7c15U));
  Order order;
  order.kind = random.Chance(kReturnShare) ? OrderKind::kReturn : OrderKind::kSale;
  order.number = Number(index, order.kind);
  if (!random.Chance(kGuestShare)) {
    const uint64_t customers = count_ / kOrdersPerCustomer + 1;
    order.customer = fmt::format("{}", kFirstCustomer + random.Below(customers));
  }
  if (order.kind == OrderKind::kSale) order.coupon = CouponOf(order.number, order.customer);
  const double mean = order.kind == OrderKind::kSale ? kSaleLinesMean : kReturnLinesMean;
  const int64_t count = DrawGeometric(random, mean, kLinesMax);
  std::vector<std::pair<uint32_t, int64_t>> drawn;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t item = DrawItem(random);
    int64_t units = DrawGeometric(random, kUnitsMean, kQuantityMax);
    if (random.Chance(kWholesaleShare)) units *= kWholesaleFactor;
    order.total += units * PriceOf(item);
    drawn.emplace_back(item, units);
  }
  lines += count;
  std::ranges::sort(drawn);
  for (size_t i = 0; i < drawn.size(); ++i) {
    if (i > 0 && drawn[i].first == drawn[i - 1].first) {
      order.items.back().quantity += drawn[i].second;
    } else {
      order.items.push_back({CodeOf(drawn[i].first), drawn[i].second});
    }
  }
  return order;
}

Order GeneratedOrders::At(size_t index) const {
  int64_t lines = 0;
  return Draw(index, lines);
}

}  // namespace order_flow
