#include "sagas.h"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "skald/saga/define.h"

namespace order_flow {
namespace {

using skald::After;
using skald::CompensationRetry;
using skald::ForEach;
using skald::Guarded;
using skald::Nothing;
using skald::Retry;
using skald::RetryPolicy;
using skald::RunSaga;
using skald::StepContext;
using skald::Task;
using skald::Using;
using skald::Verdict;

// Ten years: an order that is asked for again, however late, is the one that there is.
constexpr absl::Duration kRetention = absl::Hours(24 * 3650);

// The participants are in this process, so a retry need not wait long.
constexpr RetryPolicy kTries = {
    .delay_min = absl::Milliseconds(5), .delay_max = absl::Seconds(1), .attempts_max = 20};
constexpr RetryPolicy kForever = {
    .delay_min = absl::Milliseconds(5), .delay_max = absl::Seconds(1), .attempts_max = 0};

// Holds the thread for `delay`, or until the step is told to stop. RETURNS: false when it was.
bool Wait(const StepContext& step, absl::Duration delay) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  const auto never = [] { return false; };
  wake.wait_for(lock, step.stop_token(), absl::ToChronoMilliseconds(delay), never);
  return !step.stop_token().stop_requested();
}

// What an attempt says instead of trying; nothing: go on.
std::optional<skald::NotDone> FailFirst(const StepContext& step, const Fault& fault) {
  if (fault.slow > absl::ZeroDuration() && !Wait(step, fault.slow)) {
    return skald::RetryLater("told to stop while it waited");
  }
  if (fault.thrown) throw std::runtime_error("thrown on purpose");
  if (fault.retry) return skald::RetryLater("not now, on purpose");
  if (fault.unknown) return skald::Unknown("unknown on purpose, nothing was done");
  return std::nullopt;
}

// One attempt with the faults that are planned for it. `act(refuse)` gives the participant's task.
// All outlive the attempt.
template <typename T, typename Act>
Task<Verdict<T>> Attempt(const FaultPlan* faults, const StepContext* step,
                         const std::string* number, uint32_t item, Act act) {
  const Fault fault = faults->Draw({*number, item, step->step(), step->attempt()});
  if (std::optional<skald::NotDone> failed = FailFirst(*step, fault)) co_return *std::move(failed);
  Task<Verdict<T>> task = act(fault.rejected);
  Verdict<T> verdict = co_await std::move(task);
  if (fault.lost && verdict.done()) co_return skald::Unknown("the answer was lost on purpose");
  co_return verdict;
}

// A step that has nothing to do for this order.
template <typename T>
Task<Verdict<T>> NothingToDo() {
  co_return T{};
}

Task<Verdict<Nothing>> Answer(Verdict<Nothing> verdict) {
  co_return verdict;
}

Task<Verdict<Nothing>> RejectedOnPurpose() {
  co_return skald::Rejected("rejected on purpose");
}

// An action with its faults; `act(step, order, refuse)` gives the participant's task.
template <typename T, typename Act>
auto Planned(const FaultPlan& faults, Act act) {
  return [&faults, act](const StepContext& step, const Order& order) {
    return Attempt<T>(&faults, &step, &order.number, 0,
                      [act, &step, &order](bool refuse) { return act(step, order, refuse); });
  };
}

// The same for each of an order's parcels, and for a parcel's own saga.
template <typename Act>
auto PlannedForParcel(const FaultPlan& faults, Act act) {
  return [&faults, act](const StepContext& step, const Order&, const Parcel& parcel) {
    return Attempt<Nothing>(
        &faults, &step, &parcel.number, parcel.warehouse,
        [act, &step, &parcel](bool refuse) { return act(step, parcel, refuse); });
  };
}
template <typename Act>
auto PlannedOfParcel(const FaultPlan& faults, Act act) {
  return [&faults, act](const StepContext& step, const Parcel& parcel) {
    return Attempt<Nothing>(
        &faults, &step, &parcel.number, parcel.warehouse,
        [act, &step, &parcel](bool refuse) { return act(step, parcel, refuse); });
  };
}

// One behind the pivot that is rejected on purpose leaves its saga stuck.
template <typename Act>
auto PlannedBehindThePivot(const FaultPlan& faults, Act act) {
  return Planned<Nothing>(faults, [act](const StepContext& step, const Order& order, bool reject) {
    return reject ? RejectedOnPurpose() : act(step, order);
  });
}

// The actions and compensations of place-order, by participant. Lambdas with all types written
// out: the definition checks them.
auto Reserving(Shop& shop, const FaultPlan& faults) {
  return PlannedForParcel(faults,
                          [&shop](const StepContext& step, const Parcel& parcel, bool refuse) {
                            return shop.warehouses.Reserve(step, parcel, refuse);
                          });
}
auto Releasing(Shop& shop) {
  return [&shop](const StepContext& step, const Order&, const Parcel& parcel, const Nothing*) {
    return shop.warehouses.Release(step, parcel);
  };
}
auto Redeeming(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, bool refuse) {
    if (order.coupon.empty() && !refuse) return NothingToDo<Discount>();
    return shop.coupons.Redeem(step, order, refuse);
  };
}
auto Restoring(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const Discount*) {
    return order.coupon.empty() ? NothingToDo<Nothing>() : shop.coupons.Restore(step, order);
  };
}
auto Freezing(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, bool refuse) {
    if (order.guest() && !refuse) return NothingToDo<PointsHold>();
    return shop.points.Freeze(step, order, refuse);
  };
}
auto Unfreezing(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const PointsHold*) {
    return order.guest() ? NothingToDo<Nothing>() : shop.points.Unfreeze(step, order);
  };
}
auto Charging(Shop& shop, const FaultPlan& faults) {
  return [&](const StepContext& step, const Order& order, const Discount& discount,
             const PointsHold& hold) {
    return Attempt<Receipt>(&faults, &step, &order.number, 0,
                            [&shop, &step, &order, discount, hold](bool refuse) {
                              return shop.payment.Charge(step, order, discount, hold, refuse);
                            });
  };
}
auto ChargingWhatIsHeld(Shop& shop, const FaultPlan& faults) {
  return [&](const StepContext& step, const Order& order, const Discount& discount,
             const PointsHold& hold) {
    return Attempt<Receipt>(&faults, &step, &order.number, 0,
                            [&shop, &step, &order, discount, hold](bool refuse) {
                              return shop.payment.ChargeHeld(step, order, discount, hold, refuse);
                            });
  };
}
auto Settling(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const Discount&, const PointsHold&) {
    return shop.payment.Settle(step, order);
  };
}
auto Granting(Shop& shop, const FaultPlan& faults) {
  return Planned<Nothing>(faults,
                          [&shop](const StepContext& step, const Order& order, bool reject) {
                            if (order.guest()) return NothingToDo<Nothing>();
                            return reject ? RejectedOnPurpose() : shop.points.Grant(step, order);
                          });
}

// What becomes of the order as a whole, of both kinds.
auto Opening(Shop& shop, const FaultPlan& faults) {
  return Planned<Nothing>(faults,
                          [&shop](const StepContext& step, const Order& order, bool refuse) {
                            return shop.orders.Open(step, order, refuse);
                          });
}
auto Cancelling(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const Nothing*) {
    return shop.orders.Cancel(step, order);
  };
}
auto MarkingPaid(Shop& shop, const FaultPlan& faults) {
  return PlannedBehindThePivot(faults, [&shop](const StepContext& step, const Order& order) {
    return shop.orders.MarkPaid(step, order);
  });
}
auto MarkingShipped(Shop& shop, const FaultPlan& faults) {
  return PlannedBehindThePivot(faults, [&shop](const StepContext& step, const Order& order) {
    return shop.orders.MarkShipped(step, order);
  });
}
auto MarkingReturned(Shop& shop, const FaultPlan& faults) {
  return PlannedBehindThePivot(faults, [&shop](const StepContext& step, const Order& order) {
    return shop.orders.MarkReturned(step, order);
  });
}

// What both versions of place-order begin and end with.
auto BeginOrder(const auto& key, Shop& shop, const FaultPlan& faults) {
  return skald::Define(key)
      .Step(OpenOrder{}, Opening(shop, faults), Cancelling(shop), Guarded(), Retry(kTries),
            CompensationRetry(kTries))
      .Step(ReserveStock{}, ForEach(ParcelsOf), Reserving(shop, faults), Releasing(shop), Guarded(),
            Retry(kTries), CompensationRetry(kTries))
      .Step(RedeemCoupon{}, Planned<Discount>(faults, Redeeming(shop)), Restoring(shop), Guarded(),
            Retry(kTries), CompensationRetry(kTries))
      .Step(FreezePoints{}, Planned<PointsHold>(faults, Freezing(shop)), Unfreezing(shop),
            Guarded(), Retry(kTries), CompensationRetry(kTries));
}
skald::Definition EndOrder(auto&& builder, Shop& shop, const FaultPlan& faults) {
  return std::forward<decltype(builder)>(builder)
      .Retriable(OrderPaid{}, MarkingPaid(shop, faults), Guarded(), Retry(kForever))
      .Retriable(GrantPoints{}, After(OrderPaid{}), Granting(shop, faults), Guarded(),
                 Retry(kForever))
      .Retriable(ShipParcels{}, After(OrderPaid{}), ForEach(ParcelsOf), RunSaga(kShipParcel))
      .Retriable(OrderShipped{}, After(ShipParcels{}), MarkingShipped(shop, faults), Guarded(),
                 Retry(kForever))
      .Returns(Charge{})
      .Retention(kRetention)
      .Build();
}

}  // namespace

std::vector<std::string_view> StepNames() {
  return {OpenOrder::name(),   ReserveStock::name(), RedeemCoupon::name(), FreezePoints::name(),
          Charge::name(),      OrderPaid::name(),    GrantPoints::name(),  ConfirmStock::name(),
          MarkShipped::name(), OrderShipped::name(), CheckReturn::name(),  Refund::name(),
          Restock::name(),     OrderReturned::name()};
}

skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults) {
  return EndOrder(
      BeginOrder(kPlaceOrder, shop, faults)
          .Pivot(Charge{}, Using(RedeemCoupon{}, FreezePoints{}), Charging(shop, faults), Guarded(),
                 Retry(kTries), skald::Reconcile(Settling(shop))),
      shop, faults);
}

skald::Definition PlaceOrderOnCallback(Shop& shop, const FaultPlan& faults,
                                       absl::Duration time_to_pay) {
  using Paid = std::optional<Nothing>;
  const auto give_back = [&shop](const StepContext& step, const Order& order, const Paid* payment) {
    const bool paid = payment == nullptr || payment->has_value();
    return paid ? shop.payment.GiveBack(step, order) : NothingToDo<Nothing>();
  };
  const auto check = [](const StepContext&, const Order&, const Paid& payment) {
    return payment ? Verdict<Nothing>(Nothing{}) : skald::Rejected("not paid in time");
  };
  return EndOrder(
      BeginOrder(kPlaceOrderOnCallback, shop, faults)
          .AwaitSignal(PaymentMade{}, time_to_pay, give_back, CompensationRetry(kTries))
          .NoEffect(CheckPayment{}, Using(PaymentMade{}), check, skald::Inline())
          .Pivot(Charge{}, Using(RedeemCoupon{}, FreezePoints{}), ChargingWhatIsHeld(shop, faults),
                 Guarded(), Retry(kTries), skald::Reconcile(Settling(shop))),
      shop, faults);
}

skald::Definition ShipParcel(Shop& shop, const FaultPlan& faults) {
  const auto confirm = [&](const StepContext& step, const Parcel& parcel, bool refuse) {
    return shop.warehouses.Confirm(step, parcel, refuse);
  };
  const auto take_back = [&](const StepContext& step, const Parcel& parcel, const Nothing*) {
    return shop.warehouses.TakeBack(step, parcel);
  };
  const auto ship = [&](const StepContext& step, const Parcel& parcel, bool refuse) {
    return shop.warehouses.MarkShipped(step, parcel, refuse);
  };
  const auto shipped = [&](const StepContext& step, const Parcel& parcel) {
    return shop.warehouses.Shipped(step, parcel);
  };
  return skald::Define(kShipParcel)
      .Step(ConfirmStock{}, PlannedOfParcel(faults, confirm), take_back, Guarded(), Retry(kTries),
            CompensationRetry(kTries))
      .Pivot(MarkShipped{}, PlannedOfParcel(faults, ship), Guarded(), Retry(kTries),
             skald::Reconcile(shipped))
      .Retention(kRetention)
      .Build();
}

skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults) {
  const auto check = [&](const StepContext&, const Order& order,
                         bool refuse) -> Task<Verdict<Nothing>> {
    if (refuse) return RejectedOnPurpose();
    return Answer(shop.warehouses.CheckReturn(order));
  };
  const auto refund = [&](const StepContext& step, const Order& order, bool refuse) {
    return shop.payment.Refund(step, order, refuse);
  };
  const auto settle = [&](const StepContext& step, const Order& order) {
    return shop.payment.Settle(step, order);
  };
  const auto restock = [&](const StepContext& step, const Parcel& parcel, bool reject) {
    return reject ? RejectedOnPurpose() : shop.warehouses.Restock(step, parcel);
  };
  return skald::Define(kReturnGoods)
      .NoEffect(CheckReturn{}, Planned<Nothing>(faults, check), Retry(kTries))
      .Step(OpenOrder{}, Opening(shop, faults), Cancelling(shop), Guarded(), Retry(kTries),
            CompensationRetry(kTries))
      .Pivot(Refund{}, Planned<Receipt>(faults, refund), Guarded(), Retry(kTries),
             skald::Reconcile(settle))
      .Retriable(Restock{}, ForEach(ParcelsOf), PlannedForParcel(faults, restock), Guarded(),
                 Retry(kForever))
      .Retriable(OrderReturned{}, MarkingReturned(shop, faults), Guarded(), Retry(kForever))
      .Returns(Refund{})
      .Retention(kRetention)
      .Build();
}

}  // namespace order_flow
