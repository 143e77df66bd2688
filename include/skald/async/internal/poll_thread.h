// A thread for what can be polled: calls it when it is due, by the time that it gave last, and at
// once when something has come in. Leases, relays and locks have one where the host does not poll.
#pragma once

#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::internal {

class SKALD_EXPORT PollThread {
 public:
  // RETURNS: the boot time, by `clock`, at which to call again at the latest.
  using Poll = absl::AnyInvocable<absl::Duration()>;

  explicit PollThread(const Clock& clock) : clock_(clock) {}
  ~PollThread() { Stop(); }
  PollThread(const PollThread&) = delete;
  PollThread& operator=(const PollThread&) = delete;

  // Once.
  void Start(Poll poll);
  // Calls it again soon, also when it is in it right now. THREADS: any.
  void Wake() SKALD_EXCLUDES(mutex_);
  // It is not in `poll` any more, and never will be. Not on its own thread.
  void Stop() SKALD_EXCLUDES(mutex_);

 private:
  void Loop() SKALD_EXCLUDES(mutex_);

  const Clock& clock_;
  Poll poll_;
  Mutex mutex_;
  CondVar changed_;
  bool woken_ SKALD_GUARDED_BY(mutex_) = false;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace skald::inline v1::internal
