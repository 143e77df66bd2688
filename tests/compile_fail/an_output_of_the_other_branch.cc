// EXPECT: skald: Using(...) names a step that never runs together with this one: leave it out, or
// change the When(...) or Unless(...) of one of them
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Decide(Gift{}, IsGift)
      .Step(Reserve{}, When(Gift{}), DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, When(Gift{}), Using(Reserve{}),
                [](const StepContext&, const Order&, const Reservation&) { return std::string(); })
#else
      .NoEffect(Look{}, Unless(Gift{}), Using(Reserve{}),
                [](const StepContext&, const Order&, const Reservation*) { return std::string(); })
#endif
      .Build();
}
