// EXPECT: skald: an action takes exactly (const StepContext&, const Input&, with ForEach const
// Item&, and then for each step in Using const Output&, or const Output* where that step can be
// skipped)
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
      .NoEffect(Look{}, DoLook)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, Using(Look{}, Reserve{}),
             [](const StepContext&, const Order&, const std::string&, const Reservation&) {
               return Receipt{};
             })
#else
      .Pivot(Charge{}, Using(Look{}, Reserve{}),
             [](const StepContext&, const Order&, const Reservation&, const std::string&) {
               return Receipt{};
             })
#endif
      .Build();
}
