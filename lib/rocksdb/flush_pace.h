// How fast a full write buffer is written to its file: as fast as the next one fills, and half as
// fast again. At full speed a flush takes most of a core and of the disk for a tenth of a second,
// and each commit of that time waits for both: one saga in twenty was many times slower for it.
//
// It goes at full speed where nobody waits for commits (a store that opens, rests or closes, a
// writer that RocksDB stops), and where another flush waits for the thread: all databases of a
// process share those. It takes four seconds at most for each 64 MiB, however little is committed.
// Compactions are not paced: they have no buffer's time to end in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "rocksdb/rate_limiter.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

// What may be written by now; asked again after kSlice as long as it says no.
class FlushBudget {
 public:
  static constexpr int64_t kBurst = int64_t{1} << 20;
  static constexpr absl::Duration kSlice = absl::Milliseconds(5);
  static constexpr int kQuietMax = 4;  // asked as often in vain, without a commit

  // Takes `bytes`, of kBurst at most, when they may be written after `committed` in all.
  bool Take(int64_t bytes, uint64_t committed);

 private:
  uint64_t seen_ = 0;   // of what was committed
  int64_t credit_ = 0;  // bytes
  int quiet_ = kQuietMax;
};

// THREADS: any.
class FlushPace final : public rocksdb::RateLimiter {
 public:
  // `in_demand` says whether another flush waits for the thread of this one.
  explicit FlushPace(std::function<bool()> in_demand)
      : RateLimiter(Mode::kWritesOnly), in_demand_(std::move(in_demand)) {}
  // By the threads that all databases of the process share.
  static std::shared_ptr<FlushPace> OfThisProcess();

  void Committed(size_t bytes) { committed_.fetch_add(bytes, std::memory_order_relaxed); }

  // ---- rocksdb::RateLimiter
  using RateLimiter::Request;
  // Returns when `bytes` may be written.
  void Request(int64_t bytes, rocksdb::Env::IOPriority priority, rocksdb::Statistics* statistics,
               OpType type) override;
  int64_t GetSingleBurstBytes() const override { return FlushBudget::kBurst; }
  int64_t GetTotalBytesThrough(rocksdb::Env::IOPriority priority) const override;
  int64_t GetTotalRequests(rocksdb::Env::IOPriority priority) const override;
  int64_t GetBytesPerSecond() const override { return 0; }  // none that is fixed
  void SetBytesPerSecond(int64_t /*bytes_per_second*/) override {}

 private:
  const std::function<bool()> in_demand_;
  std::atomic<uint64_t> committed_{0};  // bytes
  mutable Mutex mutex_;
  CondVar slice_;  // nobody notifies it: it only lets the time pass
  FlushBudget budget_ SKALD_GUARDED_BY(mutex_);
  int64_t bytes_through_ SKALD_GUARDED_BY(mutex_) = 0;
  int64_t requests_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1::rocks
