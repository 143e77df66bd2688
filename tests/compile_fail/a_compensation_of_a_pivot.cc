// EXPECT: skald: only a Step has a compensation: leave the second function out, or declare this
// one as a Step before the Pivot
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge)
#else
      .Pivot(Charge{}, DoCharge, UndoCharge)
#endif
      .Build();
}
