// EXPECT: skald: behind a step's functions stand only Inline(), Once(), Guarded(), Timeout(...),
// Retry(...), CompensationRetry(...) and Reconcile(...)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook, skald::Timeout(absl::Seconds(5)))
#else
      .NoEffect(Look{}, DoLook, absl::Seconds(5))
#endif
      .Build();
}
