// EXPECT: skald: ForEach(...) does not go with a definition, whose steps join the graph once:
// behind the Pivot, RunSaga(...) starts a saga for each item
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, Hold())
#else
      .Step(Reserve{}, ForEach(LinesOf), Hold())
#endif
      .Build();
}
