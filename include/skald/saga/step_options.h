// How a step is tried: classes, policies, and the numbers behind them.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace skald::inline v1 {

// Persisted in a definition's fingerprint; numbers are never reused.
enum class StepClass : uint8_t {
  kCompensatable = 1,  // has a compensation; before the pivot
  kNoEffect = 2,       // reads or computes; nothing to undo
  kPivot = 3,          // the point of no return
  kRetriable = 4,      // after the pivot; tried until Done
};

// A set of status codes, written as a list of them.
class StatusCodes {
 public:
  constexpr StatusCodes() = default;
  constexpr StatusCodes(std::initializer_list<absl::StatusCode> codes) {  // NOLINT: implicit
    for (const absl::StatusCode code : codes) bits_ |= uint32_t{1} << static_cast<int>(code);
  }
  constexpr bool Has(absl::StatusCode code) const {
    return (bits_ >> static_cast<int>(code) & 1) != 0;
  }
  friend constexpr bool operator==(const StatusCodes&, const StatusCodes&) = default;

 private:
  uint32_t bits_ = 0;  // codes are 0 to 16
};

// So many retries the budget of a step allows at once, also when nothing has succeeded yet.
inline constexpr double kRetryReserve = 10;

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
  // An attempt that ends with one of these, and is not Rejected by it, is the last: for what no
  // waiting mends. The step gives up, as one that may have run.
  StatusCodes give_up_on;
  // So many retries for each attempt that succeeds, of all sagas that a shard has, and
  // kRetryReserve at once; beyond that a retry waits delay_max. Keeps a participant that is down
  // from being asked more than one that is up. 0: no budget.
  double budget = 0;

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
