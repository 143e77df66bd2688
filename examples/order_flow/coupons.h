// Coupons: each can be redeemed by one order, for a twentieth of what it costs.
#pragma once

#include "participant.h"
#include "skald/async/task.h"
#include "skald/saga/step_context.h"

namespace order_flow {

struct Discount {
  Mills mills = 0;
};

// THREADS: any.
class Coupons {
 public:
  explicit Coupons(Participant& participant) : participant_(participant) {}

  // REQUIRES: order.coupon is not empty, or `refuse`.
  skald::Task<skald::Verdict<Discount>> Redeem(const skald::StepContext& step, const Order& order,
                                               bool refuse);
  // The coupon can be used again.
  skald::Task<skald::Verdict<skald::Nothing>> Restore(const skald::StepContext& step,
                                                      const Order& order);

 private:
  Participant& participant_;
};

}  // namespace order_flow
