// EXPECT: skald: a decision is one function that takes exactly (const Input&, const Output&... of
// each step in Using) and returns bool
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Decide(Gift{}, [](const Order& order) { return order.units > 1; })
#else
      .Decide(Gift{}, [](const Order& order) { return order.units; })
#endif
      .Build();
}
