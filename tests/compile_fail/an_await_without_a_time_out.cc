// EXPECT: skald: behind its key and links AwaitSignal takes its time-out, an absl::Duration, and
// then optionally a compensation with its modifiers
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .AwaitSignal(Paid{}, absl::InfiniteDuration())
#else
      .AwaitSignal(Paid{})
#endif
      .Build();
}
