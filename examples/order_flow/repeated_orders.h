// An input replayed in rounds. The orders of the first round are the input's own; those of a later
// one are new orders with the same lines, under the number of the invoice and the round:
// 536365-2, C536379-2. Holds nothing of its own: a round is made as it is asked for.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "order_source.h"

namespace order_flow {

inline constexpr size_t kRoundsMax = 1'000'000;
inline constexpr size_t kOrdersMax = 100'000'000;  // of a run, in all rounds

// RETURNS: InvalidArgument: `rounds` of `orders` are too many; says how many there may be.
absl::Status CheckRounds(size_t orders, size_t rounds);

class RepeatedOrders final : public OrderSource {
 public:
  // `rounds` times what `input` holds, `input` itself where that is once.
  // REQUIRES: 1 <= rounds <= kRoundsMax.   RETURNS: what CheckRounds says.
  static absl::StatusOr<std::unique_ptr<OrderSource>> Over(std::unique_ptr<OrderSource> input,
                                                           size_t rounds);

  size_t size() const override { return input_->size() * rounds_; }
  Order At(size_t index) const override;
  size_t rounds() const override { return rounds_; }
  const IntakeCounts& counts() const override { return counts_; }
  const Demand& demand() const override { return demand_; }
  const std::string& identity() const override { return identity_; }

 private:
  RepeatedOrders(std::unique_ptr<OrderSource> input, size_t rounds);

  std::unique_ptr<OrderSource> input_;
  size_t rounds_;
  IntakeCounts counts_;
  Demand demand_;
  std::string identity_;
};

}  // namespace order_flow
