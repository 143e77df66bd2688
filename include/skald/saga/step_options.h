// How a step is tried: classes, policies, and the numbers behind them.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace skald::inline v1 {

// Persisted in a definition's fingerprint; numbers are never reused.
enum class StepClass : uint8_t {
  kCompensatable = 1,  // has a compensation; before the pivot
  kNoEffect = 2,       // reads or computes; nothing to undo
  kPivot = 3,          // the point of no return
  kRetriable = 4,      // after the pivot; tried until Done
};

// Delays grow exponentially from delay_min to delay_max with full jitter: the wait before attempt n
// is drawn from [0, min(delay_max, delay_min * 2^(n-1))]. A verdict's own delay, if longer, wins.
// A step gives up at whichever bound comes first, but never without one attempt after a restart.
// A wait longer than CoordinatorOptions::asleep_after, or a minute, is durable: it outlives the
// process, and so does the number of attempts before it. After shorter ones a restart counts anew.
struct RetryPolicy {
  absl::Duration delay_min = absl::Milliseconds(100);
  absl::Duration delay_max = absl::Minutes(1);
  uint32_t attempts_max = 20;                         // 0: no bound by count
  absl::Duration age_max = absl::InfiniteDuration();  // since the step could first run (durable)

  // What a retriable step defaults to: for ever.
  static constexpr RetryPolicy Forever() { return {.attempts_max = 0}; }
};

struct StepOptions {
  absl::Duration timeout = absl::Seconds(30);  // of one attempt, action or compensation
  RetryPolicy retry;
  RetryPolicy compensation_retry;
  bool runs_inline = false;  // never blocks: may run on the coordinator's own loop
  bool once = false;         // the action is never sent again after Unknown or a restart
  bool guarded = false;      // a barrier orders its attempts: a timed-out one is not waited for
};

}  // namespace skald::inline v1
