// EXPECT: skald: After(...) names a step that is not declared before this one: declare it
// earlier, or leave it out
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, After(Reserve{}), DoLook)
#else
      .NoEffect(Look{}, After(Charge{}), DoLook)
#endif
      .Build();
}
