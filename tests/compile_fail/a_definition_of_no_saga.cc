// EXPECT: skald: Define takes a saga key: inline constexpr skald::SagaKey<"place-order", 1,
// Order, Receipt> kPlaceOrder;
#include "shop.h"

Definition Make() {
#ifdef SKALD_RIGHT
  return Define(kPlaceOrder).NoEffect(Look{}, DoLook).Build();
#else
  return Define("place-order").NoEffect(Look{}, DoLook).Build();
#endif
}
