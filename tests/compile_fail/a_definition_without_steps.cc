// EXPECT: skald: a definition has at least one step: add Step, NoEffect or Pivot before Build()
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
#endif
      .Build();
}
