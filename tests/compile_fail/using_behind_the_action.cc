// EXPECT: skald: Using(...), After(...), When(...), Unless(...) and ForEach(...) stand between
// the step's key and its functions
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, Using(Reserve{}),
             [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; })
#else
      .Pivot(
          Charge{}, [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; },
          Using(Reserve{}))
#endif
      .Build();
}
