// EXPECT: skald: an action returns its key's Output as T, absl::StatusOr<T>, skald::Verdict<T>
// or a skald::Task of these; with no Output also void or absl::Status
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{},
             [](const StepContext&, const Order&) -> Task<Receipt> { co_return Receipt{}; })
#else
      .Pivot(Charge{},
             [](const StepContext&, const Order&) -> Task<Reservation> { co_return Reservation{}; })
#endif
      .Build();
}
