// How fast RocksDB's own threads write. At full speed a flush takes most of a core and of the disk
// for a tenth of a second and a compaction for seconds, and each commit of that time waits for
// both: one saga in twenty was many times slower for it.
//
// - A full write buffer is written to its file as fast as the next one fills, and half as fast
//   again.
// - A compaction goes by how many files wait for it at level 0, each of which a read of a row looks
//   into: half as fast again as bytes are committed while there are no more than make it begin,
//   twice as fast with one more, at full speed with two.
//
// Both go at full speed where nobody waits for commits (a store that opens, rests or closes, a
// writer that RocksDB stops), and where another one waits for the thread: all databases of a
// process share those. 64 MiB take four seconds at most, however little is committed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "rocksdb/rate_limiter.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

// What may be written by now; asked again after kSlice as long as it says no.
class PaceBudget {
 public:
  static constexpr int64_t kBurst = int64_t{1} << 20;
  static constexpr absl::Duration kSlice = absl::Milliseconds(5);

  // Goes at full speed after it was asked so often in vain without a commit: a commit that takes
  // longer looks as if there were none.
  explicit PaceBudget(int quiet_max) : quiet_max_(quiet_max), quiet_(quiet_max) {}

  // Takes `bytes`, of kBurst at most, when they may be written after `committed` in all, at
  // `percent` bytes for each hundred that are committed.
  bool Take(int64_t bytes, uint64_t committed, uint64_t percent);

 private:
  const int quiet_max_;
  uint64_t seen_ = 0;   // of what was committed
  int64_t credit_ = 0;  // bytes
  int quiet_;
};

// 20 ms for flushes, without which a writer may have to wait; 100 ms for compactions.
inline constexpr int kFlushQuietMax = 4;
inline constexpr int kCompactionQuietMax = 20;

// Files at level 0 that make a compaction begin, how many more let it go at full speed, and with
// how many RocksDB slows the writer down.
inline constexpr int kLevel0Trigger = 4;
inline constexpr int kLevel0More = 2;
inline constexpr int kLevel0Most = 40;

// PaceBudget's percent. Null: full speed.
inline constexpr uint64_t kFlushPercent = 150;
std::optional<uint64_t> CompactionPercent(int level0_files);

// THREADS: any.
class BackgroundPace final : public rocksdb::RateLimiter {
 public:
  using Priority = rocksdb::Env::IOPriority;
  // Whether another one waits for the thread that writes at this priority.
  using InDemand = std::function<bool(Priority)>;

  explicit BackgroundPace(InDemand in_demand)
      : RateLimiter(Mode::kWritesOnly), in_demand_(std::move(in_demand)) {}
  // By the threads that all databases of the process share.
  static std::shared_ptr<BackgroundPace> OfThisProcess();

  void Committed(size_t bytes) { committed_.fetch_add(bytes, std::memory_order_relaxed); }
  // Who knows how many files there are at level 0; null: nobody any more. Until then compactions
  // go as if there were none too many.
  void CountLevel0By(std::function<int()> count) SKALD_EXCLUDES(count_mutex_);

  // ---- rocksdb::RateLimiter
  using RateLimiter::Request;
  // Returns when `bytes` may be written.
  void Request(int64_t bytes, Priority priority, rocksdb::Statistics* statistics,
               OpType type) override;
  int64_t GetSingleBurstBytes() const override { return PaceBudget::kBurst; }
  int64_t GetTotalBytesThrough(Priority priority) const override;
  int64_t GetTotalRequests(Priority priority) const override;
  int64_t GetBytesPerSecond() const override { return 0; }  // none that is fixed
  void SetBytesPerSecond(int64_t /*bytes_per_second*/) override {}

 private:
  int Level0Files() SKALD_EXCLUDES(count_mutex_);

  const InDemand in_demand_;
  std::atomic<uint64_t> committed_{0};  // bytes
  // Held while the database is asked, which takes locks of its own.
  Mutex count_mutex_;
  std::function<int()> count_level0_ SKALD_GUARDED_BY(count_mutex_);
  mutable Mutex mutex_;
  CondVar slice_;  // nobody notifies it: it only lets the time pass
  PaceBudget flush_ SKALD_GUARDED_BY(mutex_){kFlushQuietMax};
  PaceBudget compaction_ SKALD_GUARDED_BY(mutex_){kCompactionQuietMax};
  int64_t bytes_through_ SKALD_GUARDED_BY(mutex_) = 0;
  int64_t requests_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1::rocks
