// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, const Output&... of
// each step in Using, in that order)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, Using(Reserve{}),
             [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; })
#else
      .Pivot(Charge{}, Using(Reserve{}), DoCharge)
#endif
      .Build();
}
