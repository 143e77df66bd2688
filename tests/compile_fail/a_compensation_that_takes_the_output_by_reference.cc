// EXPECT: skald: a compensation takes its step's output as const Output*, which is null when the
// action may have run but its output is not known
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, DoReserve, [](const StepContext&, const Order&, const Reservation*) {})
#else
      .Step(Reserve{}, DoReserve, [](const StepContext&, const Order&, const Reservation&) {})
#endif
      .Build();
}
