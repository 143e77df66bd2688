// EXPECT: skald: this step has the same modifier twice: leave one out
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook, skald::Timeout(absl::Seconds(5)))
#else
      .NoEffect(Look{}, DoLook, skald::Timeout(absl::Seconds(5)), skald::Inline(),
                skald::Timeout(absl::Seconds(6)))
#endif
      .Build();
}
