#include "coupons.h"

#include <fmt/format.h>

#include <utility>

#include "calls.h"

namespace order_flow {
namespace {

using skald::Nothing;
using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

constexpr Mills kDiscountPart = 20;

absl::StatusOr<Decision<Discount>> RedeemRows(Transaction& rows, const Order& order, bool refuse) {
  if (refuse) return Refuse<Discount>(rows, order.number, "refused on purpose");
  const std::string key = KeyOf(kCouponPrefix, order.coupon);
  SKALD_ASSIGN_OR_RETURN(const std::optional<CouponRow> coupon, GetRow<CouponRow>(rows, key));
  if (coupon && coupon->state == CouponState::kRedeemed) {
    return Refuse<Discount>(
        rows, order.number,
        fmt::format("coupon {} was used by order {}", order.coupon, coupon->order));
  }
  const Discount discount{order.total / kDiscountPart};
  rows.Put(key, EncodeRow(CouponRow{CouponState::kRedeemed, order.number, discount.mills}));
  return Decision<Discount>{{}, discount};
}

absl::Status RestoreRows(Transaction& rows, const Order& order) {
  const std::string key = KeyOf(kCouponPrefix, order.coupon);
  SKALD_ASSIGN_OR_RETURN(std::optional<CouponRow> coupon, GetRow<CouponRow>(rows, key));
  if (!coupon || coupon->state != CouponState::kRedeemed || coupon->order != order.number) {
    return absl::FailedPreconditionError(
        fmt::format("coupon {} is not redeemed by order {}", order.coupon, order.number));
  }
  coupon->state = CouponState::kRestored;
  rows.Put(key, EncodeRow(*coupon));
  return absl::OkStatus();
}

}  // namespace

Task<Verdict<Discount>> Coupons::Redeem(const StepContext& step, const Order& order, bool refuse) {
  return Decide<Discount>(&participant_, step, order,
                          [refuse](Transaction& rows, const Order& placed) {
                            return RedeemRows(rows, placed, refuse);
                          });
}

Task<Verdict<Nothing>> Coupons::Restore(const StepContext& step, const Order& order) {
  using Redeemed = Decision<Discount>;
  return Undo<Redeemed>(&participant_, step, order,
                        [](Transaction& rows, const Order& undone, const Redeemed& redeemed) {
                          return redeemed.refusal.empty() ? RestoreRows(rows, undone)
                                                          : absl::OkStatus();
                        });
}

}  // namespace order_flow
