// What customers do while their orders are under way: pay by a callback, in time, twice, late or
// never, and change their minds. Drawn by a hash of seed and order, so that every run agrees.
//
// A payment goes so: the money is held (Payment::Hold), the order is asked whether it may be paid
// (Orders::NotePayment), then the saga is signalled. An order that may not be paid any more, or a
// signal that is refused for good, gives the money back; what comes too early is sent again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "errands.h"
#include "order.h"
#include "shop.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"

namespace order_flow {

struct CustomerOptions {
  uint64_t seed = 1;
  bool pay_by_callback = false;
  absl::Duration time_to_pay = absl::Seconds(30);
  double never_pay = 0.02;  // shares of orders
  double pay_late = 0.02;
  double pay_twice = 0.05;
  double cancel = 0;
  double sign = 0;  // for goods that came
};

// What orders said to those who paid, in this run.
struct PaymentAnswers {
  int64_t noted = 0;
  int64_t already = 0;  // paid before
  int64_t may_not = 0;  // cancelled: the money went back
};

// THREADS: any. What is asked of the coordinator and the shop keeps it alive until the answer.
class Customers : public std::enable_shared_from_this<Customers> {
 public:
  // `coordinator` and `shop` must be there until Close() has returned.
  Customers(skald::Coordinator& coordinator, Shop& shop, CustomerOptions options);
  ~Customers();

  bool pay_by_callback() const { return options_.pay_by_callback; }
  // The order's saga is there, from this run or an earlier one.
  void OnPlaced(const Order& order, skald::SagaId saga);
  // It has ended. `completed`: not undone, nor stuck.
  void OnEnded(const Order& order, skald::SagaId saga, bool completed);

  PaymentAnswers answers() const SKALD_EXCLUDES(mutex_);

  // Nobody asks for anything from here on, whatever is left to do. Waits for those who just ask.
  void Close() SKALD_EXCLUDES(mutex_);

  // Nobody has anything left to do.
  bool Idle() const SKALD_EXCLUDES(mutex_);

 private:
  struct Payer;
  class Asking;

  bool Draws(std::string_view what, const Order& order, double share) const;
  void Pay(std::shared_ptr<Payer> payer);
  void AskOrder(std::shared_ptr<Payer> payer);
  void Heard(std::shared_ptr<Payer> payer, const absl::StatusOr<Orders::Answer>& answer);
  void Sign(std::shared_ptr<Payer> signer);
  void Signal(std::shared_ptr<Payer> payer);
  void GiveBack(std::shared_ptr<Payer> payer);
  void Later(std::shared_ptr<Payer> payer, void (Customers::*what)(std::shared_ptr<Payer>));
  void Begin() SKALD_EXCLUDES(mutex_);
  void End() SKALD_EXCLUDES(mutex_);

  skald::Coordinator& coordinator_;
  Shop& shop_;
  const CustomerOptions options_;
  mutable skald::Mutex mutex_;
  skald::CondVar asked_;
  int64_t busy_ SKALD_GUARDED_BY(mutex_) = 0;
  int64_t asking_ SKALD_GUARDED_BY(mutex_) = 0;
  PaymentAnswers answers_ SKALD_GUARDED_BY(mutex_);
  bool closed_ SKALD_GUARDED_BY(mutex_) = false;
  Errands errands_;
};

}  // namespace order_flow
