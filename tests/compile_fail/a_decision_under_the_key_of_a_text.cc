// EXPECT: skald: a decision's key has the output bool: declare struct IsGift :
// skald::StepKey<"is-gift", bool> {};
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Decide(Gift{}, IsGift)
#else
      .Decide(Look{}, IsGift)
#endif
      .Build();
}
