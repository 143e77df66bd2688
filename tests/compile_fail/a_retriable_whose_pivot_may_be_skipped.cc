// EXPECT: skald: a Retriable step stands after a Pivot that runs whenever it runs: declare the
// Pivot before it, or make it a Step with a compensation
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
      .Pivot(Charge{}, When(Gift{}), DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Ship{}, When(Gift{}), DoShip)
#else
      .Retriable(Ship{}, DoShip)
#endif
      .Build();
}
