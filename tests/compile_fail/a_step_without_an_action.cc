// EXPECT: skald: this step has no action: behind its key write a function of (const
// StepContext&, const Input&, const Output&... of each step in Using)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
      .NoEffect(Look{})
#endif
      .Build();
}
