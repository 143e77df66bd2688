// EXPECT: skald: a compensation takes its step's output as const Output*, which is null when the
// action may have run but its output is not known
#include "shop.h"

// A pointer converts to bool: without the rule this would compile.
struct Flag : skald::StepKey<"flag", bool> {};
bool DoFlag(const StepContext&, const Order&) {
  return true;
}

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Flag{}, DoFlag, [](const StepContext&, const Order&, const bool*) {})
#else
      .Step(Flag{}, DoFlag, [](const StepContext&, const Order&, bool) {})
#endif
      .Build();
}
