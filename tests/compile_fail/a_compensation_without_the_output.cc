// EXPECT: skald: a compensation takes exactly (const StepContext&, const Input&, with ForEach
// const Item&, const Output*), and then optionally const UsedOutput*... for each step in Using
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, DoReserve, [](const StepContext&, const Order&, const Reservation*) {})
#else
      .Step(Reserve{}, DoReserve, [](const StepContext&, const Order&) {})
#endif
      .Build();
}
