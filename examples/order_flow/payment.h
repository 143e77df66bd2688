// Payment: what each order was charged, what each return was given back. Both are points of no
// return.
#pragma once

#include "coupons.h"
#include "participant.h"
#include "points.h"

namespace order_flow {

struct Receipt {
  Mills mills = 0;  // paid, or given back
};

// THREADS: any.
class Payment {
 public:
  explicit Payment(Participant& participant) : participant_(participant) {}

  skald::Task<skald::Verdict<Receipt>> Charge(const skald::StepContext& step, const Order& order,
                                              Discount discount, PointsHold hold, bool refuse);
  skald::Task<skald::Verdict<Receipt>> Refund(const skald::StepContext& step, const Order& order,
                                              bool refuse);
  // What became of a charge or a refund whose answer never came. "No" stays true: it is blocked.
  skald::Task<skald::Verdict<Receipt>> Settle(const skald::StepContext& step, const Order& order);

 private:
  Participant& participant_;
};

}  // namespace order_flow
