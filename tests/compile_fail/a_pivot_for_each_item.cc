// EXPECT: skald: ForEach(...) stands only on Step, NoEffect and Retriable: what may happen once
// cannot happen for each item
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, ForEach(LinesOf), ReserveLine, ReleaseLine)
#else
      .Pivot(Reserve{}, ForEach(LinesOf), ReserveLine)
#endif
      .Build();
}
