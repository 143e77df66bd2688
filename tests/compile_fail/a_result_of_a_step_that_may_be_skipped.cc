// EXPECT: skald: Returns(...) names a step that can be skipped, or one with ForEach: name a step
// that runs once in every run, such as a NoEffect that picks the result
#include "shop.h"

Definition Make() {
  return Define(kPayOrder)
      .Decide(Gift{}, IsGift)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge)
#else
      .Pivot(Charge{}, When(Gift{}), DoCharge)
#endif
      .Returns(Charge{})
      .Build();
}
