#include "pool_orders.h"

#include <atomic>
#include <memory>
#include <thread>

#include "allocations.h"
#include "pool_order.h"
#include "skald/base/check.h"
#include "skald/base/mutex.h"
#include "skald/pool/object_pool.h"

namespace skald::bench {
namespace {

constexpr uint64_t kOrdersAtATime = 4096;  // between two looks at the clock's flag

// Runs `work`, which handles one order, on so many threads for as long as the options say.
template <typename Work>
Measured RunOnThreads(const RunOptions& options, int threads, bool count_allocations, Work work) {
  std::atomic<uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        for (uint64_t order = 0; order < kOrdersAtATime; ++order) work();
        done.fetch_add(kOrdersAtATime, std::memory_order_relaxed);
      }
    });
  }
  Mutex mutex;
  CondVar moment;  // nobody notifies it
  Window window(options);
  bool counting = false;
  while (window.Tick(done.load())) {
    if (window.warm() && count_allocations && !counting) CountAllocations();
    counting = window.warm();
    MutexLock lock(mutex);
    moment.WaitFor(mutex, absl::Milliseconds(5));
  }
  const uint64_t allocations = count_allocations ? CountedAllocations() : 0;
  stop.store(true);
  Measured measured = window.Result();
  measured.allocations = static_cast<double>(allocations);
  return measured;
}

Measured RunFresh(const RunOptions& options, int threads) {
  return RunOnThreads(options, threads, false, [] {
    const auto order = std::make_unique<PooledOrder>();
    Fill(*order);
  });
}

// One order filled again and again: what the filling alone costs, which no pool can save.
Measured RunKept(const RunOptions& options) {
  return RunOnThreads(options, 1, false, [] {
    thread_local PooledOrder order;
    SKALD_CHECK(order.Reset());
    Fill(order);
  });
}

template <typename Use>
Measured RunPooled(const RunOptions& options, int threads, Use use) {
  ObjectPool<PooledOrder> pool({.capacity = 4'096});
  return RunOnThreads(options, threads, true, [&pool, use] {
    auto order = pool.Acquire();
    SKALD_CHECK(order.ok());
    use(**order);
  });
}

// An order that has its buffers is taken as it is.
void Touch(PooledOrder& order) {
  if (order.encoded.capacity() < kEncodedBytes) Fill(order);
  KeepAlive(&order);
}

}  // namespace

std::vector<Contender> EnterPool(FieldPlan& plan) {
  plan.run.warmup_seconds = 0.2;
  plan.seconds_max = 1;
  return {{"fresh", [](const RunOptions& run) { return RunFresh(run, 1); }},
          {"fresh, 2 threads", [](const RunOptions& run) { return RunFresh(run, 2); }},
          {"pooled", [](const RunOptions& run) { return RunPooled(run, 1, Touch); }},
          {"pooled, 2 threads", [](const RunOptions& run) { return RunPooled(run, 2, Touch); }},
          {"pooled, filled", [](const RunOptions& run) { return RunPooled(run, 1, Fill); }},
          {"filled alone", RunKept}};
}

}  // namespace skald::bench
