#include "repeated_orders.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "money.h"
#include "order_book.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

IntakeCounts Times(IntakeCounts counts, int64_t rounds) {
  counts.lines_read *= rounds;
  counts.invoices *= rounds;
  for (auto& [reason, count] : counts.lines_dropped) count *= rounds;
  for (auto& [reason, count] : counts.orders_refused) count *= rounds;
  return counts;
}

Demand Times(Demand demand, int64_t rounds) {
  for (auto& [item, units] : demand) {
    if (__builtin_mul_overflow(units, rounds, &units)) units = INT64_MAX;
  }
  return demand;
}

}  // namespace

absl::Status CheckRounds(size_t orders, size_t rounds) {
  if (orders <= kOrdersMax / rounds) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "--repeat {}: {} orders come to more than {} in that many rounds; give {} at most", rounds,
      FormatCount(static_cast<int64_t>(orders)), FormatCount(static_cast<int64_t>(kOrdersMax)),
      kOrdersMax / orders));
}

absl::StatusOr<std::unique_ptr<OrderSource>> RepeatedOrders::Over(
    std::unique_ptr<OrderSource> input, size_t rounds) {
  SKALD_RETURN_IF_ERROR(CheckRounds(input->size(), rounds));
  if (rounds == 1) return input;
  return std::unique_ptr<OrderSource>(new RepeatedOrders(std::move(input), rounds));
}

RepeatedOrders::RepeatedOrders(std::unique_ptr<OrderSource> input, size_t rounds)
    : input_(std::move(input)),
      rounds_(rounds),
      counts_(Times(input_->counts(), static_cast<int64_t>(rounds))),
      demand_(Times(input_->demand(), static_cast<int64_t>(rounds))),
      identity_(fmt::format("{} in {} rounds", input_->identity(), rounds)) {}

Order RepeatedOrders::At(size_t index) const {
  const size_t round = index / input_->size() + 1;
  Order order = input_->At(index % input_->size());
  if (round == 1) return order;
  // The input's own numbers end in a digit: no two orders meet.
  order.number += fmt::format("-{}", round);
  if (order.kind == OrderKind::kSale) order.coupon = CouponOf(order.number, order.customer);
  return order;
}

}  // namespace order_flow
