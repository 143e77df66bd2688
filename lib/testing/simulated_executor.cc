#include "skald/testing/simulated_executor.h"

#include <utility>

namespace skald::inline v1 {

SimulatedExecutor::~SimulatedExecutor() {
  Clear();
}

absl::Status SimulatedExecutor::Execute(Work&& work) {
  if (refuses_ && refuses_()) {
    return absl::ResourceExhaustedError("executing work: the simulated executor refuses it");
  }
  queue_.push_back({std::move(work), moment_ ? moment_() : 0});
  return absl::OkStatus();
}

bool SimulatedExecutor::RunOne(Random& random) {
  if (queue_.empty()) return false;
  const auto at = queue_.begin() + static_cast<std::ptrdiff_t>(random.Below(queue_.size()));
  Taken taken = std::move(*at);
  queue_.erase(at);
  running_ = true;
  dispatched_ = taken.moment;
  std::move(taken.work)();
  running_ = false;
  return true;
}

void SimulatedExecutor::Clear() {
  // What is dropped may ask for more.
  std::vector<Taken> dropped = std::move(queue_);
  queue_.clear();
}

}  // namespace skald::inline v1
