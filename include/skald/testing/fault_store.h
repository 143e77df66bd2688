// A store whose commits fail on demand, before or after the batch was applied: what a broken
// connection, a full disk or a lost answer looks like from outside.
//
//   FaultStore store(memory);
//   store.FailNext(2, FaultStore::When::kAfter);        // applied, but the caller is told
//   otherwise
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/mutex.h"
#include "skald/store/forwarding_store.h"

namespace skald::inline v1 {

// THREADS: any.
class FaultStore final : public ForwardingStore {
 public:
  enum class When : uint8_t { kBefore = 1, kAfter = 2 };  // of the batch being applied

  using ForwardingStore::ForwardingStore;

  // The `skip`-th commit from now on and the `count` - 1 after it fail with `error`.
  void FailNext(uint64_t count, When when,
                absl::Status error = absl::UnavailableError("injected by FaultStore"),
                uint64_t skip = 0) {
    MutexLock lock(mutex_);
    first_ = commits_ + skip;
    end_ = first_ + count;
    when_ = when;
    error_ = std::move(error);
  }
  uint64_t commits() const {
    MutexLock lock(mutex_);
    return commits_;
  }

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    When when = When::kAfter;
    absl::Status error;
    {
      MutexLock lock(mutex_);
      if (commits_ >= first_ && commits_ < end_) {
        when = when_;
        error = error_;
      }
      ++commits_;
    }
    if (!error.ok() && when == When::kBefore) return error;
    absl::StatusOr<CommitResult> result = ForwardingStore::Commit(fence, batch);
    if (!error.ok()) return error;
    return result;
  }

 private:
  mutable Mutex mutex_;
  uint64_t commits_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t first_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t end_ SKALD_GUARDED_BY(mutex_) = 0;
  When when_ SKALD_GUARDED_BY(mutex_) = When::kBefore;
  absl::Status error_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1
