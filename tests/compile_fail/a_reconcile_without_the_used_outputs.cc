// EXPECT: skald: the function in Reconcile(...) takes exactly what the action takes: (const
// StepContext&, const Input&, const Output&... of each step in Using)
#include "shop.h"

Verdict<Receipt> Ask(const StepContext&, const Order&) {
  return skald::RejectedForKey("none");
}

Definition Make() {
  return Define(kPlaceOrder)
      .Step(Reserve{}, DoReserve, UndoReserve)
#ifdef SKALD_RIGHT
      .Pivot(
          Charge{}, Using(Reserve{}),
          [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; },
          skald::Reconcile([](const StepContext&, const Order&,
                              const Reservation&) -> Verdict<Receipt> { return Receipt{}; }))
#else
      .Pivot(
          Charge{}, Using(Reserve{}),
          [](const StepContext&, const Order&, const Reservation&) { return Receipt{}; },
          skald::Reconcile(Ask))
#endif
      .Build();
}
