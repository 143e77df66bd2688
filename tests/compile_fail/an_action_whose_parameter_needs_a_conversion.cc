// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, const Output&... of
// each step in Using, in that order)
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
