// EXPECT: skald: RunSaga(...) stands in a Retriable, behind the Pivot: before it, put the
// definition itself in a Step's place
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, Hold())
#else
      .Retriable(Reserve{}, RunSaga(kHold))
#endif
      .Build();
}
