// EXPECT: skald: a saga returns one step's output: leave one Returns(...) out
#include "shop.h"

Definition Make() {
  return Define(kPayOrder)
      .Step(Charge{}, DoCharge, UndoCharge)
      .Pivot(Refund{}, DoCharge)
#ifdef SKALD_RIGHT
      .Returns(Charge{})
#else
      .Returns(Charge{})
      .Returns(Refund{})
#endif
      .Build();
}
