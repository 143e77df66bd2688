// EXPECT: skald: a Step cannot stand after the Pivot, from where nothing is undone: move it
// before the Pivot, or make it Retriable
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Pivot(Charge{}, DoCharge)
#ifdef SKALD_RIGHT
      .AwaitSignal(Paid{}, absl::Minutes(30))
#else
      .AwaitSignal(Paid{}, absl::Minutes(30),
                   [](const StepContext&, const Order&, const std::optional<Receipt>*) {})
#endif
      .Build();
}
