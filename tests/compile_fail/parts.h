// Definitions to compose.
#pragma once

#include "shop.h"

using skald::RunSaga;

inline constexpr skald::SagaKey<"hold", 1, Order, Reservation> kHold;
inline constexpr skald::SagaKey<"hold-line", 1, Line, Reservation> kHoldLine;
inline constexpr skald::SagaKey<"silent", 1, Order> kSilent;

struct Held : skald::StepKey<"held", Reservation> {};

inline auto Hold() {
  return Define(kHold).Step(Held{}, DoReserve, UndoReserve).Returns(Held{}).Build();
}
inline auto HoldLine() {
  return Define(kHoldLine)
      .NoEffect(Held{},
                [](const StepContext&, const Line& line) { return Reservation{line.units}; })
      .Returns(Held{})
      .Build();
}
inline auto Pay() {
  return Define(kPayOrder).Pivot(Charge{}, DoCharge).Returns(Charge{}).Build();
}
inline auto Silent() {
  return Define(kSilent).Step(Ship{}, DoShip, UndoShip).Build();
}
