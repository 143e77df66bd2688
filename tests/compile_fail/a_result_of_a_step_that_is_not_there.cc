// EXPECT: skald: Returns(...) names a step that is not declared before it: name a step of this
// definition
#include "shop.h"

Definition Make() {
  return Define(kPayOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Returns(Charge{})
#else
      .Returns(Refund{})
#endif
      .Build();
}
