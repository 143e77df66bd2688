// Whole sagas over the memory store, steps inline, everything on this thread: from Start to the
// answer of AwaitThen, with all that is committed and kept on the way.
#include <algorithm>
#include <memory>
#include <utility>

#include "core_paths.h"
#include "graph_saga.h"
#include "order_saga.h"
#include "skald/async/manual_executor.h"
#include "skald/base/check.h"
#include "skald/base/clock.h"
#include "skald/base/random.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/memory_store.h"

namespace skald::bench {
namespace {

constexpr uint64_t kInFlight = 128;

struct SellOut : StepKey<"sell-out", Reply> {};
inline constexpr SagaKey<"sold-out", 1, Order> kSoldOut;

// Two steps are done and undone again.
Definition SoldOutInline() {
  return Define(kSoldOut)
      .Step(ReserveStock{}, Answer, Undo, Inline())
      .Step(RedeemCoupon{}, Answer, Undo, Inline())
      .Step(
          SellOut{},
          [](const StepContext&, const Order&) -> Verdict<Reply> { return Rejected("sold out"); },
          Undo, Inline())
      .Build();
}

class Host {
 public:
  explicit Host(Definition definition) : store_({.id = StoreId{7}}), random_(1) {
    CoordinatorOptions options;
    options.own_threads = false;
    options.clock = &clock_;
    options.random = &random_;
    // Rows of finished sagas are written within the run, as they are in a long one.
    options.finished_in_memory_max = 1024;
    auto opened = Coordinator::Open(store_, executor_, {std::move(definition)}, options);
    SKALD_CHECK(opened.ok(), "{}", opened.status().ToString());
    coordinator_ = *std::move(opened);
  }

  // Starts `some` sagas and lets them go on as far as they can.
  template <typename Key>
  void Start(const Key& key, uint64_t first, uint64_t some) {
    for (uint64_t i = first; i < first + some; ++i) {
      coordinator_->StartThen(key, order_, {.key = OrderKey(i)}, [this](auto saga) {
        SKALD_CHECK(saga.ok(), "{}", saga.status().ToString());
        saga->AwaitThen([this](auto outcome) {
          SKALD_CHECK(outcome.ok(), "{}", outcome.status().ToString());
          ++(outcome->completed() ? completed_ : undone_);
        });
      });
    }
    Run();
  }
  void Run() {
    coordinator_->RunUntilIdle();
    clock_.Advance(absl::Milliseconds(1));
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    Run();
  }

  uint64_t completed() const { return completed_; }
  uint64_t undone() const { return undone_; }

 private:
  ManualClock clock_{kPathsBegin};
  MemoryStore store_;
  ManualExecutor executor_;
  SeededRandom random_;
  std::unique_ptr<Coordinator> coordinator_;
  const Order order_ = NoiseAs<Order>(0);
  uint64_t completed_ = 0;
  uint64_t undone_ = 0;
};

template <typename Key>
void StartInTurns(Host& host, const Key& key, uint64_t times) {
  for (uint64_t i = 0; i < times; i += kInFlight) {
    host.Start(key, i, std::min(kInFlight, times - i));
  }
}

template <typename Key>
void RunCompleted(Definition definition, const Key& key, uint64_t times) {
  Host host(std::move(definition));
  StartInTurns(host, key, times);
  SKALD_CHECK(host.completed() == times, "{} of {} completed", host.completed(), times);
}

void RunUndone(uint64_t times) {
  Host host(SoldOutInline());
  StartInTurns(host, kSoldOut, times);
  SKALD_CHECK(host.undone() == times, "{} of {} undone", host.undone(), times);
}

// The same key again: it is found among the finished, in memory and, of the older ones, in rows.
void RunKnown(uint64_t times) {
  constexpr uint64_t kKnown = 1024;
  Host host(PlaceOrderInline());
  StartInTurns(host, kPlaceOrder, kKnown);
  for (uint64_t i = 0; i < times; i += kInFlight) {
    host.Start(kPlaceOrder, i % kKnown, std::min(kInFlight, times - i));
  }
  SKALD_CHECK(host.completed() == kKnown + times, "{} answers", host.completed());
}

// Each leaves memory twice, at its await and at its sleep, and comes back when the time is up.
void RunAsleep(uint64_t times) {
  Host host(AwaitPaymentInline());
  for (uint64_t i = 0; i < times; i += kInFlight) {
    host.Start(kAwaitPayment, i, std::min(kInFlight, times - i));
    host.Pass(absl::Hours(1));
    host.Pass(absl::Hours(1));
  }
  SKALD_CHECK(host.completed() == times, "{} of {} completed", host.completed(), times);
}

}  // namespace

void AddSagaPaths(std::vector<Path>& paths) {
  paths.push_back({"saga-order", "three steps, one after the other", 2048,
                   [](uint64_t times) { RunCompleted(PlaceOrderInline(), kPlaceOrder, times); }});
  paths.push_back({"saga-graph", "seven steps, three and two of them side by side", 1024,
                   [](uint64_t times) { RunCompleted(ShipOrderInline(), kShipOrder, times); }});
  paths.push_back({"saga-undone", "two steps done, one rejected, two undone", 1024, RunUndone});
  paths.push_back({"saga-known", "a start whose saga has ended already", 2048, RunKnown});
  paths.push_back({"saga-asleep", "out of memory and back twice", 1024, RunAsleep});
}

}  // namespace skald::bench
