// A store, a coordinator, and order sagas of any shape going through it in a closed loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "histogram.h"
#include "measure.h"
#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/store.h"

namespace skald::bench {

// The whole library over an empty directory on a real disk.
class Rig {
 public:
  struct Options {
    std::string dir;  // exists; the rig makes and removes a directory of its own in it
    Shape shape;
    uint32_t shards = 1;
    absl::Duration retention = absl::Hours(24 * 7);
    Observer* observer = nullptr;  // of the store
    // Stands between the coordinator and the store; null: nothing does.
    std::function<std::unique_ptr<Store>(Store&)> wrap;
  };
  explicit Rig(const Options& options);
  ~Rig();

  Coordinator& coordinator() { return *coordinator_; }
  std::string path() const { return dir_.path(); }

 private:
  ScratchDir dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Store> wrapped_;
  ThreadPool pool_;
  std::unique_ptr<Coordinator> coordinator_;
};

// So many sagas at any time; each one's end starts another one.
class Traffic {
 public:
  struct Options {
    uint32_t in_flight = 1024;
    Shape shape;
    uint64_t time_every = 16;  // which sagas are timed, from start to end
    uint64_t first_key = 0;    // keys count up from here
  };
  Traffic(Coordinator& coordinator, const Options& options);

  void Start();
  // Lets the caller rest while sagas go on; may come back earlier.
  void Rest(absl::Duration duration);
  // Waits until those in flight have ended. Then it may be started again.
  void Stop();

  uint64_t finished() const { return finished_.load(std::memory_order_relaxed); }
  // Starts that found a saga which had the key already; they are in no other figure.
  uint64_t found() const { return found_.load(std::memory_order_relaxed); }
  // The next key is the first one again: by then the saga that had it must be forgotten.
  void ReuseKeys() { next_key_.store(options_.first_key); }
  // Of the sagas that ended since the last call.
  Histogram TakeLatencies();

 private:
  static constexpr uint32_t kOrders = 64;
  // One saga in flight; callbacks capture nothing but its address.
  struct Slot {
    Traffic* traffic = nullptr;
    double began = 0;  // 0: not timed
    bool existed = false;
  };

  void Launch(Slot& slot);
  void Finished(Slot& slot, const absl::StatusOr<Outcome<Nothing>>& outcome);

  Coordinator& coordinator_;
  const Options options_;
  std::vector<std::string> orders_;
  std::vector<Slot> slots_;
  std::atomic<uint64_t> next_key_;
  std::atomic<uint64_t> finished_ = 0;
  std::atomic<uint64_t> found_ = 0;
  std::atomic<bool> stop_ = false;

  Mutex mutex_;
  CondVar stopped_;
  uint32_t running_ SKALD_GUARDED_BY(mutex_) = 0;
  Histogram latencies_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::bench
