// EXPECT: skald: a compensation returns void, absl::Status, skald::Verdict<Nothing> or a
// skald::Task of these
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, DoReserve,
            [](const StepContext&, const Order&, const Reservation*) { return absl::OkStatus(); })
#else
      .Step(Reserve{}, DoReserve,
            [](const StepContext&, const Order&, const Reservation*) { return true; })
#endif
      .Build();
}
