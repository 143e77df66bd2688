// EXPECT: skald: a compensation takes exactly (const StepContext&, const Input&, with ForEach
// const Item&, const Output*), and then optionally const UsedOutput*... for each step in Using
#include "shop.h"

Reservation DoBoth(const StepContext&, const Order&, const std::string&, const Receipt&) {
  return {};
}

Definition Make() {
  return Define(kPlaceOrder)
      .NoEffect(Look{}, DoLook)
      .Step(Charge{}, DoCharge, UndoCharge)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, Using(Look{}, Charge{}), DoBoth,
            [](const StepContext&, const Order&, const Reservation*, const std::string*,
               const Receipt*) {})
#else
      .Step(Reserve{}, Using(Look{}, Charge{}), DoBoth,
            [](const StepContext&, const Order&, const Reservation*, const std::string*) {})
#endif
      .Build();
}
