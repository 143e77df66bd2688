// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, with ForEach const
// Item&, and then for each step in Using const Output&, or const Output* where that step can be
// skipped)
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
