// EXPECT: skald: Using(...) names a definition that returns nothing: name it in After(...)
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Ship{}, Silent())
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, After(Ship{}), DoLook)
#else
      .NoEffect(Look{}, Using(Ship{}), DoLook)
#endif
      .Build();
}
