// EXPECT: skald: one function object serves many sagas at once and is called as const: drop
// `mutable`, and keep state elsewhere behind a lock
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, [n = 0](const StepContext&, const Order&) { return std::to_string(n); })
#else
      .NoEffect(Look{},
                [n = 0](const StepContext&, const Order&) mutable { return std::to_string(++n); })
#endif
      .Build();
}
