#include "flush_pace.h"

#include <algorithm>

#include "rocksdb/env.h"

namespace skald::inline v1::rocks {
namespace {

// A flush ends when the next buffer is two thirds full.
constexpr uint64_t kFasterNumerator = 3;
constexpr uint64_t kFasterDenominator = 2;
// A large commit, or what is committed while a file is synced.
constexpr int64_t kCreditMax = 8 * FlushBudget::kBurst;
// Whatever is committed: 16 MiB a second.
constexpr int64_t kSliceBytes = int64_t{80} << 10;

}  // namespace

bool FlushBudget::Take(int64_t bytes, uint64_t committed) {
  if (const uint64_t fresh = committed - seen_; fresh > 0) {
    seen_ = committed;
    quiet_ = 0;
    const uint64_t earned = fresh * kFasterNumerator / kFasterDenominator;
    credit_ = static_cast<int64_t>(
        std::min<uint64_t>(static_cast<uint64_t>(credit_) + earned, uint64_t{kCreditMax}));
  }
  if (credit_ < bytes && quiet_ < kQuietMax) {
    ++quiet_;
    credit_ += kSliceBytes;
    return false;
  }
  credit_ = std::max<int64_t>(credit_ - bytes, 0);
  return true;
}

std::shared_ptr<FlushPace> FlushPace::OfThisProcess() {
  return std::make_shared<FlushPace>([] {
    return rocksdb::Env::Default()->GetThreadPoolQueueLen(rocksdb::Env::Priority::HIGH) > 0;
  });
}

void FlushPace::Request(int64_t bytes, rocksdb::Env::IOPriority priority,
                        rocksdb::Statistics* /*statistics*/, OpType type) {
  MutexLock lock(mutex_);
  ++requests_;
  bytes_through_ += bytes;
  if (priority != rocksdb::Env::IO_HIGH || type == OpType::kRead) return;
  while (!in_demand_() && !budget_.Take(bytes, committed_.load(std::memory_order_relaxed))) {
    slice_.WaitFor(mutex_, FlushBudget::kSlice);
  }
}

int64_t FlushPace::GetTotalBytesThrough(rocksdb::Env::IOPriority /*priority*/) const {
  MutexLock lock(mutex_);
  return bytes_through_;
}

int64_t FlushPace::GetTotalRequests(rocksdb::Env::IOPriority /*priority*/) const {
  MutexLock lock(mutex_);
  return requests_;
}

}  // namespace skald::inline v1::rocks
