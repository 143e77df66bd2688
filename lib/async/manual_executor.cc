#include "skald/async/manual_executor.h"

#include <fmt/format.h>

#include <utility>

namespace skald::inline v1 {

ManualExecutor::ManualExecutor(size_t queue_capacity) : queue_capacity_(queue_capacity) {}

ManualExecutor::~ManualExecutor() = default;

absl::Status ManualExecutor::Execute(Work&& work) {
  MutexLock lock(mutex_);
  if (shut_down_) {
    return absl::UnavailableError("executing work: the manual executor is shut down");
  }
  if (queue_.size() >= queue_capacity_) {
    return absl::ResourceExhaustedError(fmt::format(
        "executing work: {} wait already, the bound of this manual executor", queue_capacity_));
  }
  queue_.push_back(std::move(work));
  return absl::OkStatus();
}

bool ManualExecutor::RunOne() {
  return RunAt(0);
}

bool ManualExecutor::RunAt(size_t index) {
  Work work;
  {
    MutexLock lock(mutex_);
    if (index >= queue_.size()) return false;
    const auto at = queue_.begin() + static_cast<std::ptrdiff_t>(index);
    work = std::move(*at);
    queue_.erase(at);
  }
  std::move(work)();
  return true;
}

size_t ManualExecutor::RunUntilIdle() {
  size_t ran = 0;
  while (RunOne()) ++ran;
  return ran;
}

size_t ManualExecutor::pending() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ManualExecutor::Shutdown() {
  MutexLock lock(mutex_);
  shut_down_ = true;
}

}  // namespace skald::inline v1
