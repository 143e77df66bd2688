// EXPECT: skald: the key of a definition, or of a saga that is run, has its result as output:
// declare struct Pay : skald::StepKey<"pay", Receipt> {}; where the result is a Receipt
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, Hold())
#else
      .Step(Refund{}, Hold())
#endif
      .Build();
}
