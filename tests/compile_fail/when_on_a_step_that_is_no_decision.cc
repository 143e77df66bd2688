// EXPECT: skald: When(...) and Unless(...) name decisions: declare .Decide(...) under that key
// before this step
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
      .NoEffect(Mark{}, DoMark)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, When(Gift{}), DoLook)
#else
      .NoEffect(Look{}, When(Mark{}), DoLook)
#endif
      .Build();
}
