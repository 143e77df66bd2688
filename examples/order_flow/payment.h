// Payment: what each order was charged, what each return was given back. Both are points of no
// return. A customer who pays by a callback pays first: that money is held until the order is
// charged, or given back.
#pragma once

#include <string>

#include "coupons.h"
#include "participant.h"
#include "points.h"
#include "skald/async/task.h"
#include "skald/saga/step_context.h"

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
  // The same from the money that is held for the order.
  skald::Task<skald::Verdict<Receipt>> ChargeHeld(const skald::StepContext& step,
                                                  const Order& order, Discount discount,
                                                  PointsHold hold, bool refuse);
  skald::Task<skald::Verdict<Receipt>> Refund(const skald::StepContext& step, const Order& order,
                                              bool refuse);
  // What became of a charge or a refund whose answer never came. "No" stays true: it is blocked.
  skald::Task<skald::Verdict<Receipt>> Settle(const skald::StepContext& step, const Order& order);

  // The customer's side, for each order once however often it is asked. `done` gets OK when it is
  // durable; anything else: ask again.
  void Hold(const Order& order, RowsDone done);
  // Of what is not used; nothing where nothing was paid.
  void GiveBack(const std::string& number, RowsDone done);
  skald::Task<skald::Verdict<skald::Nothing>> GiveBack(const skald::StepContext& step,
                                                       const Order& order);

 private:
  Participant& participant_;
};

}  // namespace order_flow
