#include "engine.h"

#include <atomic>
#include <vector>

#include "allocations.h"
#include "fmt/format.h"
#include "open_loop.h"
#include "order_saga.h"
#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

namespace skald::bench {
namespace {

constexpr double kStallSeconds = 60;

Definition DefinitionOf(Steps steps) {
  switch (steps) {
    case Steps::kInline:
      return PlaceOrderInline();
    case Steps::kThreadPool:
      return PlaceOrderOnThreads();
    case Steps::kInlineRefusing:
      return PlaceOrderRefusing();
  }
  Die("no such steps");
}

// A store, a pool and a coordinator over an empty directory.
class Engine {
 public:
  Engine(const EngineRun& engine, const RunOptions& options) : dir_(options.dir, "engine") {
    store_ = engine.store(dir_.path() + "/db");
    auto opened = Coordinator::Open(*store_, pool_, {DefinitionOf(engine.steps)});
    if (!opened.ok()) Die(opened.status().ToString());
    coordinator_ = *std::move(opened);
  }
  ~Engine() {
    const absl::Status status = coordinator_->Shutdown(absl::Seconds(30));
    if (!status.ok()) Die(status.ToString());
  }

  Coordinator& coordinator() { return *coordinator_; }

 private:
  ScratchDir dir_;
  std::unique_ptr<Store> store_;
  ThreadPool pool_;
  std::unique_ptr<Coordinator> coordinator_;
};

StartOptions KeyOf(uint64_t number) {
  return {.key = fmt::format("o-{}", number)};
}

class ClosedLoop {
 public:
  ClosedLoop(Coordinator& coordinator, uint32_t in_flight, bool refusing = false)
      : coordinator_(coordinator), refusing_(refusing), slots_(in_flight) {
    sample_every_ = in_flight < 64 ? 1 : 17;  // in step with nothing else
    samples_.reserve(size_t{1} << 20);
    for (uint32_t at = 0; at < kOrders; ++at) orders_.push_back(OrderThatMayBeRefused(at));
    for (Slot& slot : slots_) slot.loop = this;
  }

  void NumberFrom(uint64_t first) { launched_.store(first); }
  Measured Run(const RunOptions& options, bool count_allocations);

 private:
  static constexpr uint32_t kOrders = 1000;
  static_assert(kOrders % kOneRefusedIn == 0, "orders repeat, and with them who is refused");
  // One saga in flight; callbacks capture nothing but its address.
  struct Slot {
    ClosedLoop* loop = nullptr;
    double began = 0;  // 0: not timed
    bool refused = false;
  };

  void Launch(Slot& slot);
  void Finished(Slot& slot, const absl::StatusOr<Outcome<Nothing>>& outcome);
  void WaitMoment();
  void WaitUntilEmpty();
  void Sample(double seconds);

  Coordinator& coordinator_;
  const bool refusing_;
  std::vector<Order> orders_;
  std::vector<Slot> slots_;
  uint64_t sample_every_;
  std::atomic<uint64_t> launched_ = 0;  // the next one's number
  std::atomic<uint64_t> finished_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> warm_ = false;

  Mutex mutex_;
  CondVar stopped_;
  uint32_t running_ SKALD_GUARDED_BY(mutex_) = 0;
  std::vector<double> samples_ SKALD_GUARDED_BY(mutex_);
};

void ClosedLoop::Launch(Slot& slot) {
  const uint64_t number = launched_.fetch_add(1, std::memory_order_relaxed);
  slot.began = number % sample_every_ == 0 ? NowSeconds() : 0;
  slot.refused = refusing_ && IsRefused(number);
  coordinator_.StartThen(kPlaceOrder, orders_[number % kOrders], KeyOf(number),
                         [at = &slot](absl::StatusOr<SagaHandle<Nothing>> saga) {
                           if (!saga.ok()) Die(saga.status().ToString());
                           saga->AwaitThen([at](absl::StatusOr<Outcome<Nothing>> outcome) {
                             at->loop->Finished(*at, outcome);
                           });
                         });
}

void ClosedLoop::Finished(Slot& slot, const absl::StatusOr<Outcome<Nothing>>& outcome) {
  if (!outcome.ok()) Die(outcome.status().ToString());
  const SagaState meant = slot.refused ? SagaState::kCompensated : SagaState::kCompleted;
  if (outcome->state() != meant) {
    Die(fmt::format("a saga that should be {} is {}: {}", ToString(meant),
                    ToString(outcome->state()), outcome->reason()));
  }
  finished_.fetch_add(1, std::memory_order_relaxed);
  if (slot.began != 0 && warm_.load(std::memory_order_relaxed)) Sample(NowSeconds() - slot.began);
  if (!stop_.load(std::memory_order_relaxed)) return Launch(slot);
  MutexLock lock(mutex_);
  if (--running_ == 0) stopped_.NotifyAll();
}

void ClosedLoop::Sample(double seconds) {
  MutexLock lock(mutex_);
  samples_.push_back(seconds);
}

void ClosedLoop::WaitMoment() {
  MutexLock lock(mutex_);
  stopped_.WaitFor(mutex_, absl::Milliseconds(20));
}

void ClosedLoop::WaitUntilEmpty() {
  MutexLock lock(mutex_);
  const double give_up_at = NowSeconds() + kStallSeconds;
  while (running_ > 0) {
    stopped_.WaitFor(mutex_, absl::Seconds(1));
    if (NowSeconds() > give_up_at) Die(fmt::format("{} sagas do not end", running_));
  }
}

Measured ClosedLoop::Run(const RunOptions& options, bool count_allocations) {
  {
    MutexLock lock(mutex_);
    running_ = static_cast<uint32_t>(slots_.size());
  }
  for (Slot& slot : slots_) Launch(slot);
  Window window(options);
  while (window.Tick(finished_.load())) {
    if (window.warm() && !warm_.exchange(true) && count_allocations) CountAllocations();
    WaitMoment();
  }
  const uint64_t allocations = count_allocations ? CountedAllocations() : 0;
  stop_.store(true);
  WaitUntilEmpty();

  Measured measured = window.Result();
  if (measured.count == 0) Die("no saga ended within the window");
  measured.allocations = static_cast<double>(allocations) / static_cast<double>(measured.count);
  MutexLock lock(mutex_);
  measured.latency_p50 = Quantile(samples_, 0.5);
  measured.latency_p99 = Quantile(samples_, 0.99);
  return measured;
}

// Leaves the target's own allocations out of the count.
class UncountedStore final : public ForwardingStore {
 public:
  explicit UncountedStore(std::unique_ptr<Store> target)
      : ForwardingStore(*target), owned_(std::move(target)) {}

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    const UncountedScope scope;
    return target().Commit(fence, batch);
  }
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override {
    const UncountedScope scope;
    return target().Get(space, key);
  }
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override {
    const UncountedScope scope;
    return target().DropRange(fence, space, range);
  }

 private:
  std::unique_ptr<Store> owned_;
};

}  // namespace

StoreFactory RocksDb() {
  return [](const std::string& dir) {
    auto store = OpenRocksDbStore(dir);
    if (!store.ok()) Die(store.status().ToString());
    return *std::move(store);
  };
}

StoreFactory InMemory() {
  return [](const std::string& /*dir*/) { return std::make_unique<MemoryStore>(); };
}

StoreFactory InMemoryUncounted() {
  return [](const std::string& /*dir*/) {
    return std::make_unique<UncountedStore>(std::make_unique<MemoryStore>());
  };
}

Measured RunClosedLoop(const EngineRun& run, const RunOptions& options) {
  Engine engine(run, options);
  const bool refusing = run.steps == Steps::kInlineRefusing;
  return ClosedLoop(engine.coordinator(), options.in_flight, refusing).Run(options, false);
}

Measured RunClosedLoopOn(Coordinator& coordinator, const RunOptions& options, uint64_t first) {
  ClosedLoop loop(coordinator, options.in_flight);
  loop.NumberFrom(first);
  return loop.Run(options, false);
}

Measured RunCountingAllocations(const EngineRun& run, const RunOptions& options) {
  Engine engine(run, options);
  return ClosedLoop(engine.coordinator(), options.in_flight).Run(options, true);
}

Measured RunOpenLoop(const EngineRun& run, const RunOptions& options) {
  constexpr double kLoad = 0.7;
  const double closed = RunClosedLoop(run, options).per_second();
  Engine engine(run, options);
  Measured measured = RunOpenLoopOn(engine.coordinator(), options, kLoad * closed);
  measured.found["closed_loop_per_second"] = closed;
  return measured;
}

Measured RunBlocking(const EngineRun& run, const RunOptions& options) {
  Engine engine(run, options);
  const Order order = NoiseAs<Order>(0);
  Window window(options);
  std::vector<double> latencies;
  uint64_t done = 0;
  do {
    const double began = NowSeconds();
    auto saga = engine.coordinator().Start(kPlaceOrder, order, KeyOf(done));
    if (!saga.ok()) Die(saga.status().ToString());
    auto outcome = saga->Await();
    if (!outcome.ok() || !outcome->completed()) Die("a saga did not complete");
    if (window.warm()) latencies.push_back(NowSeconds() - began);
  } while (window.Tick(++done));
  Measured measured = window.Result();
  measured.latency_p50 = Quantile(latencies, 0.5);
  measured.latency_p99 = Quantile(latencies, 0.99);
  return measured;
}

}  // namespace skald::bench
