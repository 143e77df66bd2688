// EXPECT: skald: versions of a saga count from 1
#include "skald/saga/step_key.h"

struct Order {};

#ifdef SKALD_RIGHT
using PlaceOrder = skald::SagaKey<"place-order", 1, Order>;
#else
using PlaceOrder = skald::SagaKey<"place-order", 0, Order>;
#endif

uint32_t Version() {
  return PlaceOrder::version();
}
