// EXPECT: skald: a sleep's key has no output: declare struct CoolDown :
// skald::StepKey<"cool-down"> {};
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Sleep(Ship{}, absl::Seconds(1))
#else
      .Sleep(Look{}, absl::Seconds(1))
#endif
      .Build();
}
