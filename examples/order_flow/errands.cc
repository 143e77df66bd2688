#include "errands.h"

#include <utility>

#include "skald/base/clock.h"

namespace order_flow {

Errands::Errands() : thread_([this] { Loop(); }) {}

Errands::~Errands() {
  {
    const skald::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void Errands::After(absl::Duration delay, absl::AnyInvocable<void() &&> work) {
  {
    const skald::MutexLock lock(mutex_);
    by_time_.emplace(skald::Clock::Real().Boot() + delay, std::move(work));
  }
  changed_.NotifyAll();
}

void Errands::Loop() {
  while (true) {
    absl::AnyInvocable<void() &&> work;
    {
      const skald::MutexLock lock(mutex_);
      if (stopping_) return;
      const absl::Duration now = skald::Clock::Real().Boot();
      if (by_time_.empty()) {
        changed_.Wait(mutex_);
        continue;
      }
      if (by_time_.begin()->first > now) {
        changed_.WaitFor(mutex_, by_time_.begin()->first - now);
        continue;
      }
      work = std::move(by_time_.begin()->second);
      by_time_.erase(by_time_.begin());
    }
    std::move(work)();
  }
}

}  // namespace order_flow
