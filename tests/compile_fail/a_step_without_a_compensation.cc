// EXPECT: skald: this Step has no compensation: write one behind the action, or declare it
// NoEffect if there is nothing to undo
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .Step(Reserve{}, DoReserve, UndoReserve)
#else
      .Step(Reserve{}, DoReserve)
#endif
      .Build();
}
