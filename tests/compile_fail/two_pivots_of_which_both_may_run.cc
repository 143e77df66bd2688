// EXPECT: skald: a definition has one Pivot: make the other a Step with a compensation before it,
// or Retriable after it, or let one decision choose between the two by When(...) and Unless(...)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
      .Decide(Large{}, IsGift)
      .Pivot(Charge{}, When(Gift{}), DoCharge)
#ifdef SKALD_RIGHT
      .Pivot(Refund{}, Unless(Gift{}), DoCharge)
#else
      .Pivot(Refund{}, Unless(Large{}), DoCharge)
#endif
      .Build();
}
