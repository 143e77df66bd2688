// EXPECT: skald: Using(...) names a step that is not declared before this one: declare it
// earlier, or leave it out
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, DoReserve, UndoReserve)
      .Pivot(Charge{}, Using(Reserve{}),
             [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; })
#else
      .Pivot(Charge{}, Using(Reserve{}),
             [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; })
#endif
      .Build();
}
