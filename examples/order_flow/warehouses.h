// The three warehouses: stock by item, and what each order took of it or brought back.
//
// A warehouse's rows are written by the holder of its lease alone: every transaction is guarded, so
// that what another process writes, or one that was paused for long, does not land.
//
// An order's parcel moves reserved → sold → shipped, back from sold to reserved while it is not
// shipped, or reserved → released; no other way.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "order_source.h"
#include "participant.h"
#include "skald/async/task.h"
#include "skald/saga/step_context.h"

namespace order_flow {

// An item's stock when there is no end to it.
inline constexpr int64_t kUnlimitedStock = 1'000'000'000'000;

// "warehouse-1" and so on.
std::string WarehouseName(uint8_t warehouse);

// THREADS: any.
class Warehouses {
 public:
  using Participants = std::array<std::unique_ptr<Participant>, kWarehouses>;
  explicit Warehouses(const Participants& participants) : participants_(participants) {}

  // Writes the first stock of every item, and what the data was made of; does nothing when that was
  // done before. `fraction`: of what the orders ask for; nothing: no end to it.
  absl::Status SetUp(const OrderSource& orders, std::optional<double> fraction);

  // All of a parcel or nothing of it. `refuse`: says no, as if something were sold out.
  skald::Task<skald::Verdict<skald::Nothing>> Reserve(const skald::StepContext& step,
                                                      const Parcel& parcel, bool refuse);
  skald::Task<skald::Verdict<skald::Nothing>> Release(const skald::StepContext& step,
                                                      const Parcel& parcel);
  skald::Task<skald::Verdict<skald::Nothing>> Confirm(const skald::StepContext& step,
                                                      const Parcel& parcel, bool refuse);
  skald::Task<skald::Verdict<skald::Nothing>> TakeBack(const skald::StepContext& step,
                                                       const Parcel& parcel);
  skald::Task<skald::Verdict<skald::Nothing>> MarkShipped(const skald::StepContext& step,
                                                          const Parcel& parcel, bool refuse);
  // What became of a MarkShipped whose answer never came.
  skald::Task<skald::Verdict<skald::Nothing>> Shipped(const skald::StepContext& step,
                                                      const Parcel& parcel);
  // Takes the goods of a return back into stock.
  skald::Task<skald::Verdict<skald::Nothing>> Restock(const skald::StepContext& step,
                                                      const Parcel& parcel);
  // Whether every item of a return is one of ours; changes nothing.
  skald::Verdict<skald::Nothing> CheckReturn(const Order& order);

 private:
  Participant& Of(const Parcel& parcel) { return *participants_[parcel.warehouse]; }
  absl::Status SetUpOne(uint8_t warehouse, const OrderSource& orders,
                        std::optional<double> fraction);

  const Participants& participants_;
};

}  // namespace order_flow
