// 07: waiting for somebody. An order holds its stock and waits for the payment's callback: it
// comes, or does not come in time, or the customer cancels, or it comes too late.
//
// A saga that waits holds no thread and, for long waits, no memory. A signal is acknowledged when
// it is durable, and counts once however often it is sent. One that can never count any more is
// refused, so that whoever has the money in hand gives it back.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

struct HoldStock : skald::StepKey<"hold-stock"> {};
struct Paid : skald::SignalKey<"paid", std::string> {};  // carries the payment's number
struct CheckPayment : skald::StepKey<"check-payment", std::string> {};
struct Ship : skald::StepKey<"ship", std::string> {};
inline constexpr skald::SagaKey<"order", 1, std::string, std::string> kOrder;

skald::Definition Order(absl::Duration time_to_pay) {
  using skald::StepContext, skald::Using, skald::Verdict;
  using Payment = std::optional<std::string>;
  return skald::Define(kOrder)
      .Step(
          HoldStock{},
          [](const StepContext&, const std::string& item) {
            std::printf("  holds a %s\n", item.c_str());
          },
          [](const StepContext&, const std::string& item, const skald::Nothing*) {
            std::printf("  puts the %s back\n", item.c_str());
          })
      // With a compensation: what was paid is paid back when the order is undone after all.
      .AwaitSignal(Paid{}, time_to_pay,
                   [](const StepContext&, const std::string&, const Payment* payment) {
                     if (payment == nullptr || !payment->has_value()) return;
                     std::printf("  pays %s back\n", (*payment)->c_str());
                   })
      .NoEffect(CheckPayment{}, Using(Paid{}),
                [](const StepContext&, const std::string&,
                   const Payment& payment) -> Verdict<std::string> {
                  if (!payment) return skald::Rejected("not paid in time");
                  return *payment;
                })
      .Pivot(Ship{}, Using(CheckPayment{}),
             [](const StepContext&, const std::string& item, const std::string& payment) {
               return item + ", paid by " + payment;
             })
      .Returns(Ship{})
      .Build();
}

struct Shop {
  skald::MemoryStore store;
  skald::ThreadPool pool;
  std::unique_ptr<skald::Coordinator> coordinator;

  skald::SagaHandle<std::string> Start(const std::string& key) {
    std::printf("order %s\n", key.c_str());
    return *coordinator->Start(kOrder, "lamp", {.key = key});
  }
  // What the payment provider's callback does; the payment's number is what makes it count once.
  absl::Status Callback(skald::SagaId order, const std::string& payment) {
    return coordinator->Signal(order, Paid{}, payment, /*dedup_key=*/payment);
  }
  void Tell(const skald::SagaHandle<std::string>& saga) {
    const auto outcome = saga.Await();
    std::printf("  %s\n", outcome->completed() ? ("ships a " + *outcome->result()).c_str()
                                               : ("undone: " + outcome->reason()).c_str());
  }
};

int main() {
  Shop shop;
  auto opened = skald::Coordinator::Open(shop.store, shop.pool, {Order(absl::Seconds(1))});
  if (!opened.ok()) return 1;
  shop.coordinator = *std::move(opened);

  auto paid = shop.Start("A-1");
  if (!shop.Callback(paid.id(), "payment 7").ok()) return 1;
  if (!shop.Callback(paid.id(), "payment 7").ok()) return 1;  // again: counts once
  shop.Tell(paid);

  auto late = shop.Start("A-2");
  shop.Tell(late);  // waits until the time is up
  const absl::Status refused = shop.Callback(late.id(), "payment 8");
  if (!absl::IsFailedPrecondition(refused)) return 1;
  std::printf("  payment 8 came too late: its sender pays it back\n");

  auto cancelled = shop.Start("A-3");
  if (!shop.coordinator->Cancel(cancelled.id(), {"customer", "changed my mind"}).ok()) return 1;
  shop.Tell(cancelled);
  return 0;
}
