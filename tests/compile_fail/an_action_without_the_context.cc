// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, const Output&... of
// each step in Using, in that order)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
      .NoEffect(Look{}, [](const Order&) { return std::string(); })
#endif
      .Build();
}
