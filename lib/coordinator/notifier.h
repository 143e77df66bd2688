// Carries notices from the loops to the observer, on a thread of its own (or the pump's), so that a
// slow observer never holds a loop up. Bounded: what does not fit is counted and told later. What
// is posted after Stop is dropped: the observer and the clock are the host's, who may have let them
// go while completions that a step kept are still called.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "engine_clock.h"
#include "skald/base/mutex.h"
#include "skald/base/observer.h"

namespace skald::inline v1::internal {

class Notifier {
 public:
  Notifier(Observer& observer, const EngineClock& clock, bool own_thread);
  ~Notifier();

  void Post(Severity severity, std::string_view kind, std::string subject, std::string message);
  // Runs `job` on the same thread, after the notices: for housekeeping that does I/O. Always taken
  // before Stop.
  void PostJob(absl::AnyInvocable<void() &&> job);
  // Delivers what waits, on this thread. RETURNS: whether there was anything.
  bool Deliver();
  // Delivers the rest and joins. Neither observer nor clock is touched afterwards.
  void Stop();

 private:
  struct Held {
    Severity severity;
    std::string_view kind;  // a literal
    std::string subject;
    std::string message;
    absl::Time time;
  };

  void Run();

  Observer& observer_;
  const EngineClock& clock_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<Held> held_ SKALD_GUARDED_BY(mutex_);
  std::vector<absl::AnyInvocable<void() &&>> jobs_ SKALD_GUARDED_BY(mutex_);
  uint64_t dropped_ SKALD_GUARDED_BY(mutex_) = 0;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  bool stopped_ SKALD_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

// A line on stderr for each warning or error, at most ten a second; the rest is counted.
class StderrObserver final : public Observer {
 public:
  void OnNotice(const Notice& notice) override;

 private:
  Mutex mutex_;
  absl::Time second_ SKALD_GUARDED_BY(mutex_);
  int printed_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t suppressed_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1::internal
