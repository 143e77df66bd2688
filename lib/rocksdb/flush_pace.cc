#include "flush_pace.h"

#include <algorithm>

#include "absl/time/time.h"

namespace skald::inline v1::rocks {
namespace {

// A flush ends when the next buffer is four fifths full.
constexpr uint64_t kFasterNumerator = 5;
constexpr uint64_t kFasterDenominator = 4;
constexpr int64_t kCreditMax = 2 * FlushBudget::kBurst;
// Four of them are longer than a commit to a slow disk.
constexpr absl::Duration kSlice = absl::Milliseconds(5);

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
    return false;
  }
  credit_ = std::max<int64_t>(credit_ - bytes, 0);
  return true;
}

void FlushPace::Request(int64_t bytes, rocksdb::Env::IOPriority priority,
                        rocksdb::Statistics* /*statistics*/, OpType type) {
  MutexLock lock(mutex_);
  ++requests_;
  bytes_through_ += bytes;
  // (RocksDB gives a flush another priority while writers wait for it.)
  if (priority != rocksdb::Env::IO_HIGH || type == OpType::kRead) return;
  while (!budget_.Take(bytes, committed_.load(std::memory_order_relaxed))) {
    slice_.WaitFor(mutex_, kSlice);
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
