#include "payment.h"

#include <fmt/format.h>

#include <utility>

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

absl::StatusOr<Decision<Receipt>> ChargeRows(Transaction& rows, const Order& order,
                                             Discount discount, PointsHold hold, bool refuse) {
  const std::string key = KeyOf(kPaymentPrefix, order.number);
  SKALD_RETURN_IF_ERROR(CheckNew(rows, key));
  if (refuse) return Refuse<Receipt>(rows, order, "payment declined");
  PaymentRow row{.total = order.total,
                 .discount = discount.mills,
                 .points_value = hold.points * kMillsPerPoint};
  row.paid = row.total - row.discount - row.points_value;
  rows.Put(key, EncodeRow(row));
  return Decision<Receipt>{{}, {row.paid}};
}

absl::StatusOr<Decision<Receipt>> RefundRows(Transaction& rows, const Order& order, bool refuse) {
  const std::string key = KeyOf(kRefundPrefix, order.number);
  SKALD_RETURN_IF_ERROR(CheckNew(rows, key));
  if (refuse) return Refuse<Receipt>(rows, order, "refund declined");
  rows.Put(key, EncodeRow(RefundRow{order.total}));
  return Decision<Receipt>{{}, {order.total}};
}

}  // namespace

Task<Verdict<Receipt>> Payment::Charge(const StepContext& step, const Order& order,
                                       Discount discount, PointsHold hold, bool refuse) {
  auto body = [&order, discount, hold, refuse](Transaction& rows) {
    return ChargeRows(rows, order, discount, hold, refuse);
  };
  return Decide<Receipt>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Receipt>> Payment::Refund(const StepContext& step, const Order& order, bool refuse) {
  auto body = [&order, refuse](Transaction& rows) { return RefundRows(rows, order, refuse); };
  return Decide<Receipt>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Receipt>> Payment::Settle(const StepContext& step, const Order& order) {
  return Ask<Receipt>(&participant_.barrier(), RequestOf(step, order));
}

}  // namespace order_flow
