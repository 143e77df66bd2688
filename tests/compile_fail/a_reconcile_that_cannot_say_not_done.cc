// EXPECT: skald: the function in Reconcile(...) returns skald::Verdict<Output>, or a skald::Task
// of it
#include "shop.h"

Verdict<Receipt> Ask(const StepContext&, const Order&) {
  return skald::RejectedForKey("none");
}

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, DoCharge, skald::Reconcile(Ask))
#else
      .Pivot(Charge{}, DoCharge, skald::Reconcile(DoCharge))
#endif
      .Build();
}
