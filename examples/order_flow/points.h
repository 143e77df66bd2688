// Loyalty points: a customer pays up to a tenth of an order with points, a penny each, and earns
// one for each pound.
#pragma once

#include "participant.h"
#include "skald/async/task.h"
#include "skald/saga/step_context.h"

namespace order_flow {

inline constexpr Mills kMillsPerPoint = 10;

struct PointsHold {
  int64_t points = 0;
};

// THREADS: any.
class Points {
 public:
  explicit Points(Participant& participant) : participant_(participant) {}

  // Puts aside what the order will spend. REQUIRES: the order has a customer, or `refuse`.
  skald::Task<skald::Verdict<PointsHold>> Freeze(const skald::StepContext& step, const Order& order,
                                                 bool refuse);
  skald::Task<skald::Verdict<skald::Nothing>> Unfreeze(const skald::StepContext& step,
                                                       const Order& order);
  // Spends what was put aside and grants what the order earned.
  skald::Task<skald::Verdict<skald::Nothing>> Grant(const skald::StepContext& step,
                                                    const Order& order);

 private:
  Participant& participant_;
};

}  // namespace order_flow
