// EXPECT: skald: a Retriable step stands after a Pivot that runs whenever it runs: declare the
// Pivot before it, or make it a Step with a compensation
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Ship{}, DoShip, UndoShip)
#else
      .Retriable(Ship{}, DoShip)
#endif
      .Pivot(Charge{}, DoCharge)
      .Build();
}
