#include "traffic.h"

#include <utility>

#include "fmt/format.h"
#include "shaped_order.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "workload.h"

namespace skald::bench {
namespace {

constexpr double kStallSeconds = 60;

}  // namespace

Rig::Rig(const Options& options) : dir_(options.dir, "rig") {
  auto store = OpenRocksDbStore(dir_.path() + "/db", {.observer = options.observer});
  if (!store.ok()) Die(store.status().ToString());
  store_ = *std::move(store);
  if (options.wrap) wrapped_ = options.wrap(*store_);
  auto opened = Coordinator::Open(wrapped_ != nullptr ? *wrapped_ : *store_, pool_,
                                  {ShapedOrder(options.shape, options.retention)},
                                  {.shards = options.shards});
  if (!opened.ok()) Die(opened.status().ToString());
  coordinator_ = *std::move(opened);
}

Rig::~Rig() {
  const absl::Status status = coordinator_->Shutdown(absl::Seconds(30));
  if (!status.ok()) Die(status.ToString());
}

Traffic::Traffic(Coordinator& coordinator, const Options& options)
    : coordinator_(coordinator),
      options_(options),
      slots_(options.in_flight),
      next_key_(options.first_key) {
  for (uint32_t at = 0; at < kOrders; ++at) {
    orders_.emplace_back(Noise(options.shape.input_bytes, at));
  }
  for (Slot& slot : slots_) slot.traffic = this;
}

void Traffic::Start() {
  stop_.store(false);
  {
    MutexLock lock(mutex_);
    running_ = options_.in_flight;
  }
  for (Slot& slot : slots_) Launch(slot);
}

void Traffic::Launch(Slot& slot) {
  const uint64_t key = next_key_.fetch_add(1, std::memory_order_relaxed);
  slot.began = key % options_.time_every == 0 ? NowSeconds() : 0;
  coordinator_.StartThen(kShapedOrder, orders_[key % kOrders], {.key = fmt::format("o-{}", key)},
                         [at = &slot](absl::StatusOr<SagaHandle<Nothing>> saga) {
                           if (!saga.ok()) Die(saga.status().ToString());
                           at->existed = saga->existed();
                           saga->AwaitThen([at](absl::StatusOr<Outcome<Nothing>> outcome) {
                             at->traffic->Finished(*at, outcome);
                           });
                         });
}

void Traffic::Finished(Slot& slot, const absl::StatusOr<Outcome<Nothing>>& outcome) {
  if (!outcome.ok()) Die(outcome.status().ToString());
  if (!outcome->completed()) Die(fmt::format("a saga did not complete: {}", outcome->reason()));
  if (slot.existed) {
    found_.fetch_add(1, std::memory_order_relaxed);
  } else {
    finished_.fetch_add(1, std::memory_order_relaxed);
    if (slot.began != 0) {
      const double seconds = NowSeconds() - slot.began;
      MutexLock lock(mutex_);
      latencies_.Add(seconds);
    }
  }
  if (!stop_.load(std::memory_order_relaxed)) return Launch(slot);
  MutexLock lock(mutex_);
  if (--running_ == 0) stopped_.NotifyAll();
}

void Traffic::Rest(absl::Duration duration) {
  MutexLock lock(mutex_);
  stopped_.WaitFor(mutex_, duration);
}

void Traffic::Stop() {
  stop_.store(true);
  MutexLock lock(mutex_);
  const double give_up_at = NowSeconds() + kStallSeconds;
  while (running_ > 0) {
    stopped_.WaitFor(mutex_, absl::Seconds(1));
    if (NowSeconds() > give_up_at) Die(fmt::format("{} sagas do not end", running_));
  }
}

Histogram Traffic::TakeLatencies() {
  MutexLock lock(mutex_);
  return std::exchange(latencies_, {});
}

}  // namespace skald::bench
