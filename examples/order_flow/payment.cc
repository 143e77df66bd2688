#include "payment.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "calls.h"

namespace order_flow {
namespace {

using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

// RETURNS: FailedPrecondition when there is such a row already, from another saga.
absl::Status CheckNew(Transaction& rows, const std::string& key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(key));
  if (!before) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("'{}' was booked before", key));
}

// The money that is held for an order goes where `to` says.
absl::Status MoveHeld(Transaction& rows, const std::string& number, HeldState to, Mills used = 0) {
  const std::string key = KeyOf(kHeldPrefix, number);
  SKALD_ASSIGN_OR_RETURN(std::optional<HeldRow> held, GetRow<HeldRow>(rows, key));
  if (held && held->state == to) return absl::OkStatus();
  if (!held || held->state != HeldState::kHeld) {
    return absl::FailedPreconditionError(fmt::format("no money is held for order {}", number));
  }
  held->state = to;
  held->used = used;
  rows.Put(key, EncodeRow(*held));
  return absl::OkStatus();
}

absl::StatusOr<Decision<Receipt>> ChargeRows(Transaction& rows, const Order& order,
                                             Discount discount, PointsHold hold, bool refuse) {
  const std::string key = KeyOf(kPaymentPrefix, order.number);
  SKALD_RETURN_IF_ERROR(CheckNew(rows, key));
  if (refuse) return Refuse<Receipt>(rows, order.number, "payment declined");
  PaymentRow row{.total = order.total,
                 .discount = discount.mills,
                 .points_value = hold.points * kMillsPerPoint};
  row.paid = row.total - row.discount - row.points_value;
  rows.Put(key, EncodeRow(row));
  return Decision<Receipt>{{}, {row.paid}};
}

// The same from the money that is held for the order.
absl::StatusOr<Decision<Receipt>> ChargeHeldRows(Transaction& rows, const Order& order,
                                                 Discount discount, PointsHold hold, bool refuse) {
  SKALD_ASSIGN_OR_RETURN(Decision<Receipt> charged,
                         ChargeRows(rows, order, discount, hold, refuse));
  if (!refuse) {
    SKALD_RETURN_IF_ERROR(MoveHeld(rows, order.number, HeldState::kUsed, charged.granted.mills));
  }
  return charged;
}

absl::StatusOr<Decision<Receipt>> RefundRows(Transaction& rows, const Order& order, bool refuse) {
  const std::string key = KeyOf(kRefundPrefix, order.number);
  SKALD_RETURN_IF_ERROR(CheckNew(rows, key));
  if (refuse) return Refuse<Receipt>(rows, order.number, "refund declined");
  rows.Put(key, EncodeRow(RefundRow{order.total}));
  return Decision<Receipt>{{}, {order.total}};
}

}  // namespace

Task<Verdict<Receipt>> Payment::Charge(const StepContext& step, const Order& order,
                                       Discount discount, PointsHold hold, bool refuse) {
  return Decide<Receipt>(&participant_, step, order,
                         [discount, hold, refuse](Transaction& rows, const Order& charged) {
                           return ChargeRows(rows, charged, discount, hold, refuse);
                         });
}

Task<Verdict<Receipt>> Payment::ChargeHeld(const StepContext& step, const Order& order,
                                           Discount discount, PointsHold hold, bool refuse) {
  return Decide<Receipt>(&participant_, step, order,
                         [discount, hold, refuse](Transaction& rows, const Order& charged) {
                           return ChargeHeldRows(rows, charged, discount, hold, refuse);
                         });
}

Task<Verdict<Receipt>> Payment::Refund(const StepContext& step, const Order& order, bool refuse) {
  return Decide<Receipt>(&participant_, step, order,
                         [refuse](Transaction& rows, const Order& returned) {
                           return RefundRows(rows, returned, refuse);
                         });
}

Task<Verdict<Receipt>> Payment::Settle(const StepContext& step, const Order& order) {
  return Ask<Receipt>(&participant_, step, order);
}

void Payment::Hold(const Order& order, RowsDone done) {
  Transaction rows = participant_.committer().Begin();
  const std::string key = KeyOf(kHeldPrefix, order.number);
  const absl::StatusOr<std::optional<std::string>> before = rows.Get(key);
  if (!before.ok()) return std::move(done)(before.status());
  if (!*before) rows.Put(key, EncodeRow(HeldRow{HeldState::kHeld, order.total}));
  CommitRows(std::move(rows), std::move(done));
}

void Payment::GiveBack(const std::string& number, RowsDone done) {
  Transaction rows = participant_.committer().Begin();
  const absl::StatusOr<std::optional<std::string>> held = rows.Get(KeyOf(kHeldPrefix, number));
  absl::Status moved = held.status();
  if (held.ok() && *held) moved = MoveHeld(rows, number, HeldState::kGivenBack);
  if (!moved.ok()) return std::move(done)(moved);
  CommitRows(std::move(rows), std::move(done));
}

// (Without a barrier: the money's own row says whether it was given back.)
Task<Verdict<skald::Nothing>> Payment::GiveBack(const StepContext& step, const Order& order) {
  using skald::Nothing;
  const auto make = [this](const Order& of, skald::Barrier::Callback<Nothing> done) {
    GiveBack(of.number, [done = std::move(done)](const absl::Status& status) mutable {
      // A row that changed meanwhile is looked at again.
      std::move(done)(status.ok()
                          ? Verdict<Nothing>(Nothing{})
                          : Verdict<Nothing>(skald::Unknown(std::string(status.message()))));
    });
  };
  return Call<Nothing>(&participant_, &step, CallVerb::kGiveBack, &order, make);
}

}  // namespace order_flow
