// EXPECT: skald: behind a definition or RunSaga(...) stands one function of (const Input&, const
// Output&... of each step in Using) that returns its input; leave it out only where that is this
// saga's own input, or the item of ForEach(...)
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Reserve{}, ForEach(LinesOf), RunSaga(kHoldLine))
#else
      .Retriable(Reserve{}, ForEach(LinesOf), RunSaga(kHold))
#endif
      .Build();
}
