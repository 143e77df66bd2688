// EXPECT: skald: a definition has one Pivot: make the other a Step with a compensation before it,
// or Retriable after it, or let one decision choose between the two by When(...) and Unless(...)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Ship{}, DoShip)
#else
      .Pivot(Ship{}, DoShip)
#endif
      .Build();
}
