// EXPECT: skald: RunSaga takes the saga key that the other definition was defined with
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .Retriable(Reserve{}, RunSaga(kHold))
#else
      .Retriable(Reserve{}, RunSaga(Look{}))
#endif
      .Build();
}
