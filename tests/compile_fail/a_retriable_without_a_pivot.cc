// EXPECT: skald: a Retriable step stands after a Pivot that runs whenever it runs: declare the
// Pivot before it, or make it a Step with a compensation
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(Ship{}, DoShip)
#else
      .Retriable(Ship{}, DoShip)
#endif
      .Build();
}
