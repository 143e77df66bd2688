// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, with ForEach const
// Item&, and then for each step in Using const Output&, or const Output* where that step can be
// skipped)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
      .NoEffect(Look{}, [](const StepContext&, Order&) { return std::string(); })
#endif
      .Build();
}
