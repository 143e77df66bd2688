#include "skald/async/internal/poll_thread.h"

#include <utility>

namespace skald::inline v1::internal {

void PollThread::Start(Poll poll) {
  poll_ = std::move(poll);
  thread_ = std::thread([this] { Loop(); });
}

void PollThread::Loop() {
  while (true) {
    const absl::Duration next = poll_();
    MutexLock lock(mutex_);
    const absl::Duration wait = next - clock_.Boot();
    // What came in since is to be looked at first.
    if (!stopping_ && !woken_ && wait > absl::ZeroDuration()) changed_.WaitFor(mutex_, wait);
    woken_ = false;
    if (stopping_) return;
  }
}

void PollThread::Wake() {
  {
    const MutexLock lock(mutex_);
    woken_ = true;
  }
  changed_.NotifyAll();
}

void PollThread::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

}  // namespace skald::inline v1::internal
