// EXPECT: skald: the SagaKey promises a result: say whose output it is by Returns(SomeStep{}),
// or leave the result out of the SagaKey
#include "shop.h"

Definition Make() {
  return Define(kPayOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Returns(Charge{})
#else
#endif
      .Build();
}
