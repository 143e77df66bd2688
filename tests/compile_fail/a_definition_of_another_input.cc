// EXPECT: skald: behind a definition or RunSaga(...) stands one function of (const Input&, const
// Output&... of each step in Using) that returns its input; leave it out only where that is this
// saga's own input, or the item of ForEach(...)
#include "parts.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, HoldLine(), [](const Order& order) { return Line{order.units}; })
#else
      .Step(Reserve{}, HoldLine())
#endif
      .Build();
}
