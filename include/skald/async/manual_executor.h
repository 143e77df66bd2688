// An executor that runs nothing by itself: tests, simulations and hosts with a loop of their own
// pump it by hand.
//
//   ManualExecutor executor;
//   coordinator->Start(…);
//   while (executor.RunOne()) …
#pragma once

#include <cstddef>
#include <deque>
#include <limits>

#include "absl/status/status.h"
#include "skald/async/executor.h"
#include "skald/base/export.h"
#include "skald/base/mutex.h"

namespace skald::inline v1 {

// THREADS: any; work runs on the thread that calls Run….
class SKALD_EXPORT ManualExecutor final : public Executor {
 public:
  // `queue_capacity`: how much work may wait; more gets ResourceExhausted.
  explicit ManualExecutor(size_t queue_capacity = std::numeric_limits<size_t>::max());
  // Drops what has not run.
  ~ManualExecutor() override;

  absl::Status Execute(Work&& work) override;

  // Runs the oldest work. RETURNS: false when there was none.
  bool RunOne();
  // Runs the work at `index` of the queue, 0 being the oldest: for schedulers that try other
  // orders. RETURNS: false when there is no such work.
  bool RunAt(size_t index);
  // Runs until nothing waits, also what comes up meanwhile. RETURNS: how much.
  size_t RunUntilIdle();

  size_t pending() const;
  // From now on Execute says Unavailable; what waits can still be run.
  void Shutdown();

 private:
  const size_t queue_capacity_;

  mutable Mutex mutex_;
  std::deque<Work> queue_ SKALD_GUARDED_BY(mutex_);
  bool shut_down_ SKALD_GUARDED_BY(mutex_) = false;
};

}  // namespace skald::inline v1
