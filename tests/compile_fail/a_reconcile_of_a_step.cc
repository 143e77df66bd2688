// EXPECT: skald: only a Pivot is reconciled: leave Reconcile(...) out here
#include "shop.h"

Verdict<Receipt> Ask(const StepContext&, const Order&) {
  return skald::RejectedForKey("none");
}

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge, skald::Reconcile(Ask))
#else
      .Step(Charge{}, DoCharge, UndoCharge, skald::Reconcile(Ask))
#endif
      .Build();
}
