// EXPECT: skald: only a Step has a compensation to retry: leave CompensationRetry(...) out, or
// write Retry(...) for the action
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge, skald::Retry({.attempts_max = 3}))
#else
      .Pivot(Charge{}, DoCharge, skald::CompensationRetry({.attempts_max = 3}))
#endif
      .Build();
}
