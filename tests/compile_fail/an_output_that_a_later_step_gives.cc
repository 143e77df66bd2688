// EXPECT: skald: Using(...) names a step that is not declared before this one: declare it
// earlier, or leave it out
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
      .NoEffect(Look{}, Using(Charge{}),
                [](const StepContext&, const Order&, const Receipt&) { return std::string(); })
#endif
      .Pivot(Charge{}, DoCharge)
      .Build();
}
