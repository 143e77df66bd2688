// EXPECT: skald: Using(...), After(...), When(...), Unless(...) and ForEach(...) stand at most
// once each: join them into one
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
      .Decide(Large{}, IsGift)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, When(Gift{}, Large{}), DoLook)
#else
      .NoEffect(Look{}, When(Gift{}), When(Large{}), DoLook)
#endif
      .Build();
}
