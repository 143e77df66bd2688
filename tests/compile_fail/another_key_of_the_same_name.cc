// EXPECT: skald: an earlier step has this name already: give each step a key with a name of its
// own
#include "shop.h"

struct ReserveAgain : skald::StepKey<"reserve"> {};

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge)
#else
      .Pivot(ReserveAgain{}, DoShip)
#endif
      .Build();
}
