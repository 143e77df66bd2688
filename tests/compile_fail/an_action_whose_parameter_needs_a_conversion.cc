// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, with ForEach const
// Item&, and then for each step in Using const Output&, or const Output* where that step can be
// skipped)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .NoEffect(Look{}, DoLook)
#ifdef SKALD_RIGHT
      .Pivot(Ship{}, Using(Look{}), [](const StepContext&, const Order&, const std::string&) {})
#else
      .Pivot(Ship{}, Using(Look{}), [](const StepContext&, const Order&, std::string_view) {})
#endif
      .Build();
}
