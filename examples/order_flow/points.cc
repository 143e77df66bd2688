#include "points.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "calls.h"

namespace order_flow {
namespace {

using skald::Nothing;
using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

constexpr Mills kSpendPart = 10;
constexpr Mills kMillsPerEarnedPoint = 1000;

// An order's hold with its customer's account, to change both.
struct Held {
  HoldRow hold;
  AccountRow account;
};

absl::StatusOr<Held> FindHeld(Transaction& rows, const Order& order) {
  SKALD_ASSIGN_OR_RETURN(std::optional<HoldRow> hold,
                         GetRow<HoldRow>(rows, KeyOf(kHoldPrefix, order.number)));
  SKALD_ASSIGN_OR_RETURN(std::optional<AccountRow> account,
                         GetRow<AccountRow>(rows, KeyOf(kAccountPrefix, order.customer)));
  if (!hold || hold->state != HoldState::kFrozen || !account) {
    return absl::FailedPreconditionError(
        fmt::format("order {} holds no points of customer {}", order.number, order.customer));
  }
  return Held{*std::move(hold), *account};
}

void PutHeld(Transaction& rows, const Order& order, const Held& held) {
  rows.Put(KeyOf(kHoldPrefix, order.number), EncodeRow(held.hold));
  rows.Put(KeyOf(kAccountPrefix, order.customer), EncodeRow(held.account));
}

absl::StatusOr<Decision<PointsHold>> FreezeRows(Transaction& rows, const Order& order,
                                                bool refuse) {
  if (refuse) return Refuse<PointsHold>(rows, order.number, "refused on purpose");
  SKALD_ASSIGN_OR_RETURN(const std::optional<AccountRow> found,
                         GetRow<AccountRow>(rows, KeyOf(kAccountPrefix, order.customer)));
  Held held{.account = found.value_or(AccountRow{})};
  const int64_t points = std::min(held.account.balance, order.total / kSpendPart / kMillsPerPoint);
  held.account.balance -= points;
  held.account.frozen += points;
  held.hold = {HoldState::kFrozen, order.customer, points, 0};
  PutHeld(rows, order, held);
  return Decision<PointsHold>{{}, {points}};
}

absl::Status UnfreezeRows(Transaction& rows, const Order& order) {
  SKALD_ASSIGN_OR_RETURN(Held held, FindHeld(rows, order));
  held.account.balance += held.hold.points;
  held.account.frozen -= held.hold.points;
  held.hold.state = HoldState::kReleased;
  PutHeld(rows, order, held);
  return absl::OkStatus();
}

absl::Status GrantRows(Transaction& rows, const Order& order) {
  SKALD_ASSIGN_OR_RETURN(Held held, FindHeld(rows, order));
  held.hold.state = HoldState::kGranted;
  held.hold.granted = order.total / kMillsPerEarnedPoint;
  held.account.frozen -= held.hold.points;
  held.account.spent += held.hold.points;
  held.account.granted += held.hold.granted;
  held.account.balance += held.hold.granted;
  PutHeld(rows, order, held);
  return absl::OkStatus();
}

}  // namespace

Task<Verdict<PointsHold>> Points::Freeze(const StepContext& step, const Order& order, bool refuse) {
  return Decide<PointsHold>(&participant_, step, order,
                            [refuse](Transaction& rows, const Order& placed) {
                              return FreezeRows(rows, placed, refuse);
                            });
}

Task<Verdict<Nothing>> Points::Unfreeze(const StepContext& step, const Order& order) {
  using Frozen = Decision<PointsHold>;
  return Undo<Frozen>(
      &participant_, step, order, [](Transaction& rows, const Order& undone, const Frozen& frozen) {
        return frozen.refusal.empty() ? UnfreezeRows(rows, undone) : absl::OkStatus();
      });
}

Task<Verdict<Nothing>> Points::Grant(const StepContext& step, const Order& order) {
  return Act<Nothing>(&participant_, step, order, GrantRows);
}

}  // namespace order_flow
