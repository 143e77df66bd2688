// EXPECT: skald: a step function that takes a StepCompletion says its verdict through it and
// returns void
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, [](const StepContext&, const Order&,
                           const skald::StepCompletion<std::string>& done) { done("seen"); })
#else
      .NoEffect(
          Look{},
          [](const StepContext&, const Order&, const skald::StepCompletion<std::string>& done) {
            done("seen");
            return std::string("seen");
          })
#endif
      .Build();
}
