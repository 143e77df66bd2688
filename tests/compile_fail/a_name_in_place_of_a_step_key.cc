// EXPECT: skald: a step begins with its key: declare struct ReserveStock :
// skald::StepKey<"reserve-stock", Reservation> {}; and pass ReserveStock{}
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, DoLook)
#else
      .NoEffect("look", DoLook)
#endif
      .Build();
}
