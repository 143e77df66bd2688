#include "skald/coordinator/internal/watch.h"

#include <utility>

#include "skald/base/clock.h"

namespace skald::inline v1::internal {
namespace {

// Somebody really waits, so this is real time whatever the coordinator's clock is.
absl::Time Now() {
  return absl::UnixEpoch() + Clock::Real().Boot();
}

}  // namespace

absl::StatusOr<Settled> Watch::Wait(absl::Duration timeout) {
  const absl::Time end =
      timeout == absl::InfiniteDuration() ? absl::InfiniteFuture() : Now() + timeout;
  MutexLock lock(mutex_);
  while (!outcome_.has_value()) {
    const absl::Duration left =
        end == absl::InfiniteFuture() ? absl::InfiniteDuration() : end - Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError("the saga has not come to rest yet; it goes on");
    }
    settled_.WaitFor(mutex_, left);
  }
  return *outcome_;
}

void Watch::Then(SettledCallback done) {
  MutexLock lock(mutex_);
  if (!outcome_.has_value()) {
    waiting_.push_back(std::move(done));
    return;
  }
  const absl::StatusOr<Settled> outcome = *outcome_;
  lock.Unlock();
  std::move(done)(outcome);
}

std::optional<absl::StatusOr<Settled>> Watch::Peek() {
  MutexLock lock(mutex_);
  return outcome_;
}

void Watch::Settle(absl::StatusOr<Settled> outcome) {
  absl::InlinedVector<SettledCallback, 1> waiting;
  {
    MutexLock lock(mutex_);
    outcome_ = outcome;
    waiting.swap(waiting_);
  }
  settled_.NotifyAll();
  for (SettledCallback& done : waiting) std::move(done)(outcome);
}

bool Watch::IsWaitedFor() {
  MutexLock lock(mutex_);
  return !waiting_.empty();
}

void Watch::Unsettle() {
  MutexLock lock(mutex_);
  outcome_.reset();
}

}  // namespace skald::inline v1::internal
