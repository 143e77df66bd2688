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
template <typename T, typename Act>
Task<Verdict<T>> Attempt(const FaultPlan& faults, const StepContext& step, const Order& order,
                         Act act) {
  const Fault fault = faults.Draw(order.number, step.step(), step.attempt());
  if (std::optional<skald::NotDone> failed = FailFirst(step, fault)) co_return *std::move(failed);
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

// A participant's refusal where it has no say: after the pivot a step that is rejected gets stuck.
template <typename T>
Task<Verdict<T>> RejectedOnPurpose() {
  co_return skald::Rejected("rejected on purpose");
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

skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults) {
  const auto reserve = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order, [&shop, &step, &order](bool refuse) {
      return shop.inventory.Reserve(step, order, refuse);
    });
  };
  const auto release = [&](const StepContext& step, const Order& order, const Nothing*) {
    return shop.inventory.Release(step, order);
  };
  const auto redeem = [&](const StepContext& step, const Order& order) {
    return Attempt<Discount>(faults, step, order, [&shop, &step, &order](bool refuse) {
      if (order.coupon.empty() && !refuse) return NothingToDo<Discount>();
      return shop.coupons.Redeem(step, order, refuse);
    });
  };
  const auto restore = [&](const StepContext& step, const Order& order, const Discount*) {
    if (order.coupon.empty()) return NothingToDo<Nothing>();
    return shop.coupons.Restore(step, order);
  };
  const auto freeze = [&](const StepContext& step, const Order& order) {
    return Attempt<PointsHold>(faults, step, order, [&shop, &step, &order](bool refuse) {
      if (order.guest() && !refuse) return NothingToDo<PointsHold>();
      return shop.points.Freeze(step, order, refuse);
    });
  };
  const auto unfreeze = [&](const StepContext& step, const Order& order, const PointsHold*) {
    if (order.guest()) return NothingToDo<Nothing>();
    return shop.points.Unfreeze(step, order);
  };
  const auto charge = [&](const StepContext& step, const Order& order, const Discount& discount,
                          const PointsHold& hold) {
    return Attempt<Receipt>(faults, step, order,
                            [&shop, &step, &order, discount, hold](bool refuse) {
                              return shop.payment.Charge(step, order, discount, hold, refuse);
                            });
  };
  const auto settle = [&](const StepContext& step, const Order& order, const Discount&,
                          const PointsHold&) { return shop.payment.Settle(step, order); };
  const auto confirm = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order, [&shop, &step, &order](bool reject) {
      if (reject) return RejectedOnPurpose<Nothing>();
      return shop.inventory.Confirm(step, order);
    });
  };
  const auto grant = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order, [&shop, &step, &order](bool reject) {
      if (reject) return RejectedOnPurpose<Nothing>();
      if (order.guest()) return NothingToDo<Nothing>();
      return shop.points.Grant(step, order);
    });
  };
  const auto ship = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order, [&shop, &step, &order](bool reject) {
      if (reject) return RejectedOnPurpose<Nothing>();
      return shop.inventory.MarkShipped(step, order);
    });
  };
  return skald::Define(kPlaceOrder)
      .Step(ReserveStock{}, reserve, release, Guarded(), Retry(kTries), CompensationRetry(kTries))
      .Step(RedeemCoupon{}, redeem, restore, Guarded(), Retry(kTries), CompensationRetry(kTries))
      .Step(FreezePoints{}, freeze, unfreeze, Guarded(), Retry(kTries), CompensationRetry(kTries))
      .Pivot(Charge{}, Using(RedeemCoupon{}, FreezePoints{}), charge, Guarded(), Retry(kTries),
             skald::Reconcile(settle))
      .Retriable(ConfirmStock{}, confirm, Guarded(), Retry(kForever))
      .Retriable(GrantPoints{}, grant, Guarded(), Retry(kForever))
      .Retriable(MarkShipped{}, ship, Guarded(), Retry(kForever))
      .Returns(Charge{})
      .Retention(kRetention)
      .Build();
}

skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults) {
  const auto check = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order,
                            [&shop, &order](bool refuse) -> Task<Verdict<Nothing>> {
                              if (refuse) co_return skald::Rejected("rejected on purpose");
                              co_return shop.inventory.CheckReturn(order);
                            });
  };
  const auto refund = [&](const StepContext& step, const Order& order) {
    return Attempt<Receipt>(faults, step, order, [&shop, &step, &order](bool refuse) {
      return shop.payment.Refund(step, order, refuse);
    });
  };
  const auto settle = [&](const StepContext& step, const Order& order) {
    return shop.payment.Settle(step, order);
  };
  const auto restock = [&](const StepContext& step, const Order& order) {
    return Attempt<Nothing>(faults, step, order, [&shop, &step, &order](bool reject) {
      if (reject) return RejectedOnPurpose<Nothing>();
      return shop.inventory.Restock(step, order);
    });
  };
  return skald::Define(kReturnGoods)
      .NoEffect(CheckReturn{}, check, Retry(kTries))
      .Pivot(Refund{}, refund, Guarded(), Retry(kTries), skald::Reconcile(settle))
      .Retriable(Restock{}, restock, Guarded(), Retry(kForever))
      .Returns(Refund{})
      .Retention(kRetention)
      .Build();
}

}  // namespace order_flow
