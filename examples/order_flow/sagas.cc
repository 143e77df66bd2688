#include "sagas.h"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "skald/saga/define.h"

namespace order_flow {
namespace {

using skald::CompensationRetry;
using skald::Guarded;
using skald::Nothing;
using skald::Retry;
using skald::RetryPolicy;
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
// All three outlive the attempt.
template <typename T, typename Act>
Task<Verdict<T>> Attempt(const FaultPlan* faults, const StepContext* step, const Order* order,
                         Act act) {
  const Fault fault = faults->Draw(order->number, step->step(), step->attempt());
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

// An action with its faults; `act(step, order, refuse)` gives the participant's task.
template <typename T, typename Act>
auto Planned(const FaultPlan& faults, Act act) {
  return [&faults, act](const StepContext& step, const Order& order) {
    return Attempt<T>(&faults, &step, &order,
                      [act, &step, &order](bool refuse) { return act(step, order, refuse); });
  };
}

Task<Verdict<Nothing>> Answer(Verdict<Nothing> verdict) {
  co_return verdict;
}

Task<Verdict<Nothing>> RejectedOnPurpose() {
  co_return skald::Rejected("rejected on purpose");
}

// An action behind the pivot: the participant has no say there, so that one which is rejected on
// purpose leaves its saga stuck.
template <typename Act>
auto PlannedBehindPivot(const FaultPlan& faults, Act act) {
  return Planned<Nothing>(faults, [act](const StepContext& step, const Order& order, bool reject) {
    return reject ? RejectedOnPurpose() : act(step, order);
  });
}

// The actions and compensations of place-order, by participant. Lambdas with all types written
// out: the definition checks them.
auto Reserving(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, bool refuse) {
    return shop.inventory.Reserve(step, order, refuse);
  };
}
auto Redeeming(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, bool refuse) {
    if (order.coupon.empty() && !refuse) return NothingToDo<Discount>();
    return shop.coupons.Redeem(step, order, refuse);
  };
}
auto Freezing(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, bool refuse) {
    if (order.guest() && !refuse) return NothingToDo<PointsHold>();
    return shop.points.Freeze(step, order, refuse);
  };
}
auto Charging(Shop& shop, const FaultPlan& faults) {
  return [&](const StepContext& step, const Order& order, const Discount& discount,
             const PointsHold& hold) {
    return Attempt<Receipt>(&faults, &step, &order,
                            [&shop, &step, &order, discount, hold](bool refuse) {
                              return shop.payment.Charge(step, order, discount, hold, refuse);
                            });
  };
}
auto Granting(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order) {
    if (order.guest()) return NothingToDo<Nothing>();
    return shop.points.Grant(step, order);
  };
}
auto Releasing(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const Nothing*) {
    return shop.inventory.Release(step, order);
  };
}
auto Restoring(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const Discount*) {
    return order.coupon.empty() ? NothingToDo<Nothing>() : shop.coupons.Restore(step, order);
  };
}
auto Unfreezing(Shop& shop) {
  return [&shop](const StepContext& step, const Order& order, const PointsHold*) {
    return order.guest() ? NothingToDo<Nothing>() : shop.points.Unfreeze(step, order);
  };
}

}  // namespace

std::vector<std::string_view> StepNames() {
  return {ReserveStock::name(), RedeemCoupon::name(), FreezePoints::name(), Charge::name(),
          ConfirmStock::name(), GrantPoints::name(),  MarkShipped::name(),  CheckReturn::name(),
          Refund::name(),       Restock::name()};
}

Shop::Shop(Databases databases)
    : inventory(*databases.inventory),
      coupons(*databases.coupons),
      points(*databases.points),
      payment(*databases.payment),
      databases_(std::move(databases)) {}

absl::StatusOr<std::unique_ptr<Shop>> Shop::Open(const std::string& directory) {
  Databases databases;
  SKALD_ASSIGN_OR_RETURN(databases.inventory, Participant::Open(directory, "inventory"));
  SKALD_ASSIGN_OR_RETURN(databases.coupons, Participant::Open(directory, "coupons"));
  SKALD_ASSIGN_OR_RETURN(databases.points, Participant::Open(directory, "points"));
  SKALD_ASSIGN_OR_RETURN(databases.payment, Participant::Open(directory, "payment"));
  return std::unique_ptr<Shop>(new Shop(std::move(databases)));
}

absl::Status Shop::Health() const {
  for (const auto* participant :
       {&databases_.inventory, &databases_.coupons, &databases_.points, &databases_.payment}) {
    SKALD_RETURN_IF_ERROR((*participant)->committer().health());
  }
  return absl::OkStatus();
}

skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults) {
  const auto settle = [&](const StepContext& step, const Order& order, const Discount&,
                          const PointsHold&) { return shop.payment.Settle(step, order); };
  const auto confirm = [&](const StepContext& step, const Order& order) {
    return shop.inventory.Confirm(step, order);
  };
  const auto ship = [&](const StepContext& step, const Order& order) {
    return shop.inventory.MarkShipped(step, order);
  };
  return skald::Define(kPlaceOrder)
      .Step(ReserveStock{}, Planned<Nothing>(faults, Reserving(shop)), Releasing(shop), Guarded(),
            Retry(kTries), CompensationRetry(kTries))
      .Step(RedeemCoupon{}, Planned<Discount>(faults, Redeeming(shop)), Restoring(shop), Guarded(),
            Retry(kTries), CompensationRetry(kTries))
      .Step(FreezePoints{}, Planned<PointsHold>(faults, Freezing(shop)), Unfreezing(shop),
            Guarded(), Retry(kTries), CompensationRetry(kTries))
      .Pivot(Charge{}, Using(RedeemCoupon{}, FreezePoints{}), Charging(shop, faults), Guarded(),
             Retry(kTries), skald::Reconcile(settle))
      .Retriable(ConfirmStock{}, PlannedBehindPivot(faults, confirm), Guarded(), Retry(kForever))
      .Retriable(GrantPoints{}, PlannedBehindPivot(faults, Granting(shop)), Guarded(),
                 Retry(kForever))
      .Retriable(MarkShipped{}, PlannedBehindPivot(faults, ship), Guarded(), Retry(kForever))
      .Returns(Charge{})
      .Retention(kRetention)
      .Build();
}

skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults) {
  const auto check = [&](const StepContext&, const Order& order,
                         bool refuse) -> Task<Verdict<Nothing>> {
    if (refuse) return RejectedOnPurpose();
    return Answer(shop.inventory.CheckReturn(order));
  };
  const auto refund = [&](const StepContext& step, const Order& order, bool refuse) {
    return shop.payment.Refund(step, order, refuse);
  };
  const auto settle = [&](const StepContext& step, const Order& order) {
    return shop.payment.Settle(step, order);
  };
  const auto restock = [&](const StepContext& step, const Order& order) {
    return shop.inventory.Restock(step, order);
  };
  return skald::Define(kReturnGoods)
      .NoEffect(CheckReturn{}, Planned<Nothing>(faults, check), Retry(kTries))
      .Pivot(Refund{}, Planned<Receipt>(faults, refund), Guarded(), Retry(kTries),
             skald::Reconcile(settle))
      .Retriable(Restock{}, PlannedBehindPivot(faults, restock), Guarded(), Retry(kForever))
      .Returns(Refund{})
      .Retention(kRetention)
      .Build();
}

}  // namespace order_flow
