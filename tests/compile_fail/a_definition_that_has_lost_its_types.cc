// EXPECT: skald: a definition in a step's place keeps its types: let the function that builds it
// return auto, not skald::Definition
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, Hold())
#else
      .Step(Reserve{}, Definition(Hold()))
#endif
      .Build();
}
