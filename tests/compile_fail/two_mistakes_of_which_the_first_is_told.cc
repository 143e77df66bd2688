// EXPECT: skald: a Step cannot stand after the Pivot, from where nothing is undone: move it
// before the Pivot, or make it Retriable
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Ship{}, DoShip)
#else
      .Step(Ship{}, DoShip, UndoShip)
      .Pivot(Refund{})
      .Returns(Look{})
#endif
      .Build();
}
