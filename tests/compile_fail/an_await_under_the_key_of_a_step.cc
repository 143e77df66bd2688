// EXPECT: skald: AwaitSignal begins with a signal's key: declare struct Paid :
// skald::SignalKey<"paid", Payment> {}; and pass Paid{}
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .AwaitSignal(Paid{}, absl::Minutes(30))
#else
      .AwaitSignal(Charge{}, absl::Minutes(30))
#endif
      .Build();
}
