// EXPECT: skald: the function in ForEach(...) takes exactly (const Input&, const Output&... of
// each step in Using) and returns a std::vector of items
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, ForEach([](const Order&) { return std::vector<Line>(2); }), ReserveLine,
            ReleaseLine)
#else
      .Step(Reserve{}, ForEach([](const Order&) { return 2; }), ReserveLine, ReleaseLine)
#endif
      .Build();
}
