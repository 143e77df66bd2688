// EXPECT: skald: Using(...), After(...), When(...), Unless(...) and ForEach(...) stand between
// the step's key and its functions
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, When(Gift{}), DoLook)
#else
      .NoEffect(Look{}, DoLook, When(Gift{}))
#endif
      .Build();
}
