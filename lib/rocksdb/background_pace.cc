#include "background_pace.h"

#include <algorithm>
#include <optional>

#include "rocksdb/env.h"

namespace skald::inline v1::rocks {
namespace {

// A large commit, or what is committed while a file is synced.
constexpr int64_t kCreditMax = 8 * PaceBudget::kBurst;
// Whatever is committed: 16 MiB a second.
constexpr int64_t kSliceBytes = int64_t{80} << 10;

}  // namespace

bool PaceBudget::Take(int64_t bytes, uint64_t committed, uint64_t percent) {
  if (const uint64_t fresh = committed - seen_; fresh > 0) {
    seen_ = committed;
    quiet_ = 0;
    const uint64_t earned = fresh * percent / 100;
    credit_ = static_cast<int64_t>(
        std::min<uint64_t>(static_cast<uint64_t>(credit_) + earned, uint64_t{kCreditMax}));
  }
  if (credit_ < bytes && quiet_ < quiet_max_) {
    ++quiet_;
    credit_ += kSliceBytes;
    return false;
  }
  credit_ = std::max<int64_t>(credit_ - bytes, 0);
  return true;
}

std::optional<uint64_t> CompactionPercent(int level0_files) {
  const int more = std::max(level0_files - kLevel0Trigger, 0);
  if (more >= kLevel0More) return std::nullopt;
  // One of four files and what they overlap in a store of few rows ends while one more is flushed.
  // Slower ones are kinder to commits and dearer to reads, which look into every file that waits.
  constexpr uint64_t kSlowest = 150;
  return kSlowest << more;
}

std::shared_ptr<BackgroundPace> BackgroundPace::OfThisProcess() {
  return std::make_shared<BackgroundPace>([](Priority priority) {
    return rocksdb::Env::Default()->GetThreadPoolQueueLen(priority == rocksdb::Env::IO_HIGH
                                                              ? rocksdb::Env::Priority::HIGH
                                                              : rocksdb::Env::Priority::LOW) > 0;
  });
}

void BackgroundPace::CountLevel0By(std::function<int()> count) {
  MutexLock lock(count_mutex_);
  count_level0_ = std::move(count);
}

int BackgroundPace::Level0Files() {
  MutexLock lock(count_mutex_);
  return count_level0_ ? count_level0_() : 0;
}

void BackgroundPace::Request(int64_t bytes, Priority priority, rocksdb::Statistics* /*statistics*/,
                             OpType type) {
  const bool flush = priority == rocksdb::Env::IO_HIGH;
  const bool paced = (flush || priority == rocksdb::Env::IO_LOW) && type != OpType::kRead;
  {
    MutexLock lock(mutex_);
    ++requests_;
    bytes_through_ += bytes;
  }
  bytes = std::min(bytes, PaceBudget::kBurst);  // RocksDB asks for no more
  while (paced && !in_demand_(priority)) {
    const std::optional<uint64_t> percent =
        flush ? kFlushPercent : CompactionPercent(Level0Files());
    if (!percent) return;
    PaceBudget& budget = flush ? flush_ : compaction_;
    MutexLock lock(mutex_);
    if (budget.Take(bytes, committed_.load(std::memory_order_relaxed), *percent)) return;
    slice_.WaitFor(mutex_, PaceBudget::kSlice);
  }
}

int64_t BackgroundPace::GetTotalBytesThrough(Priority /*priority*/) const {
  MutexLock lock(mutex_);
  return bytes_through_;
}

int64_t BackgroundPace::GetTotalRequests(Priority /*priority*/) const {
  MutexLock lock(mutex_);
  return requests_;
}

}  // namespace skald::inline v1::rocks
