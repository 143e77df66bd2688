// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, with ForEach const
// Item&, and then for each step in Using const Output&, or const Output* where that step can be
// skipped)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, ForEach(LinesOf), ReserveLine, ReleaseLine)
#ifdef SKALD_RIGHT
      .NoEffect(Look{}, Using(Reserve{}),
                [](const StepContext&, const Order&, const std::vector<Reservation>&) {
                  return std::string();
                })
#else
      .NoEffect(Look{}, Using(Reserve{}),
                [](const StepContext&, const Order&, const Reservation&) { return std::string(); })
#endif
      .Build();
}
