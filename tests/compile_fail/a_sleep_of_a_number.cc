// EXPECT: skald: behind its key and links a Sleep takes one absl::Duration, or one function of
// (const Input&, const Output&... of each step in Using) that returns an absl::Duration or an
// absl::Time
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Sleep(Ship{}, absl::Seconds(1))
#else
      .Sleep(Ship{}, 1)
#endif
      .Build();
}
