// EXPECT: skald: a definition in a Step's place has no Pivot, and one in the Pivot's place has a
// Pivot that runs in every run: use it in the other place
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Pivot(Charge{}, Pay())
#else
      .Step(Charge{}, Pay())
#endif
      .Build();
}
