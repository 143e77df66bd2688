// EXPECT: skald: the Pivot follows every step that is declared before it: leave After(...) out
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge)
#else
      .Pivot(Charge{}, After(Reserve{}), DoCharge)
#endif
      .Build();
}
