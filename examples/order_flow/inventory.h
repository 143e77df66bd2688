// The inventory: stock by item, and what each order took of it or brought back.
//
// An order's goods move reserved → sold → shipped, or reserved → released; no other way.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "order_source.h"
#include "participant.h"

namespace order_flow {

// An item's stock when there is no end to it.
inline constexpr int64_t kUnlimitedStock = 1'000'000'000'000;

// THREADS: any.
class Inventory {
 public:
  explicit Inventory(Participant& participant) : participant_(participant) {}

  // Writes the first stock of every item, and what the data was made of; does nothing when that was
  // done before. `fraction`: of what the orders ask for; nothing: no end to it.
  absl::Status SetUp(const OrderSource& orders, std::optional<double> fraction);

  // All of an order or nothing of it. `refuse`: says no, as if something were sold out.
  skald::Task<skald::Verdict<skald::Nothing>> Reserve(const skald::StepContext& step,
                                                      const Order& order, bool refuse);
  skald::Task<skald::Verdict<skald::Nothing>> Release(const skald::StepContext& step,
                                                      const Order& order);
  skald::Task<skald::Verdict<skald::Nothing>> Confirm(const skald::StepContext& step,
                                                      const Order& order);
  skald::Task<skald::Verdict<skald::Nothing>> MarkShipped(const skald::StepContext& step,
                                                          const Order& order);
  // Takes the goods of a return back into stock.
  skald::Task<skald::Verdict<skald::Nothing>> Restock(const skald::StepContext& step,
                                                      const Order& order);
  // Whether every item of a return is one of ours; changes nothing.
  skald::Verdict<skald::Nothing> CheckReturn(const Order& order);

 private:
  Participant& participant_;
};

}  // namespace order_flow
