// EXPECT: skald: a definition stands in the place of a Step, or of the Pivot when it has one:
// behind the Pivot write Retriable(Key{}, RunSaga(kSaga))
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Reserve{}, RunSaga(kHold))
#else
      .Retriable(Reserve{}, Hold())
#endif
      .Build();
}
