// EXPECT: skald: Returns(...) names a step whose output is not the saga's result type: name
// another step, or change the result in the SagaKey
#include "shop.h"

Definition Make() {
  return Define(kPayOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Returns(Charge{})
#else
      .Returns(Reserve{})
#endif
      .Build();
}
