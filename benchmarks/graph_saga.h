// A saga whose graph is no chain, typed: three steps side by side, a pivot that is given their
// outputs, two more side by side, and one that ends it. And one that waits.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "order_saga.h"
#include "skald/saga/define.h"
#include "skald/saga/step_key.h"

namespace skald::bench {

struct Charge : StepKey<"charge", Reply> {};
struct Ship : StepKey<"ship", Reply> {};
struct SendMail : StepKey<"send-mail"> {};
struct CloseOrder : StepKey<"close-order"> {};
inline constexpr SagaKey<"ship-order", 1, Order, Reply> kShipOrder;

inline Definition ShipOrderInline() {
  const auto charge = [](const StepContext&, const Order&, const Reply&, const Reply& coupon,
                         const Reply&) { return coupon; };
  return Define(kShipOrder)
      .Step(ReserveStock{}, After(), Answer, Undo, Inline())
      .Step(RedeemCoupon{}, After(), Answer, Undo, Inline())
      .Step(FreezePoints{}, After(), Answer, Undo, Inline())
      .Pivot(Charge{}, Using(ReserveStock{}, RedeemCoupon{}, FreezePoints{}), charge, Inline())
      .Retriable(Ship{}, After(Charge{}), Answer, Inline())
      .Retriable(
          SendMail{}, After(Charge{}), [](const StepContext&, const Order&) {}, Inline())
      .Retriable(
          CloseOrder{}, After(Ship{}, SendMail{}), [](const StepContext&, const Order&) {},
          Inline())
      .Returns(Charge{})
      .Build();
}

struct Paid : SignalKey<"paid", Reply> {};
struct CoolDown : StepKey<"cool-down"> {};
inline constexpr SagaKey<"await-payment", 1, Order> kAwaitPayment;

inline Definition AwaitPaymentInline() {
  return Define(kAwaitPayment)
      .Step(ReserveStock{}, Answer, Undo, Inline())
      .AwaitSignal(Paid{}, absl::Hours(1))
      .Sleep(CoolDown{}, absl::Hours(1))
      .NoEffect(
          CloseOrder{}, [](const StepContext&, const Order&) {}, Inline())
      .Build();
}

}  // namespace skald::bench
