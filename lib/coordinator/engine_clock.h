// Engine time: what is journaled and what deadlines and timers are measured by. It begins at the
// later of the wall clock and the last journaled time, runs by the boot clock, and never goes back.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "skald/base/clock.h"

namespace skald::inline v1::internal {

class EngineClock {
 public:
  EngineClock(const Clock& clock, absl::Time last_journaled)
      : clock_(&clock),
        begin_(std::max(clock.Wall(), last_journaled)),
        boot_at_begin_(clock.Boot()) {}

  // Whole microseconds, as it is journaled.
  absl::Time Now() const {
    return absl::FromUnixMicros(absl::ToUnixMicros(begin_ + (clock_->Boot() - boot_at_begin_)));
  }
  // On the boot clock, for deadlines that are handed to user code.
  absl::Duration BootOf(absl::Time time) const {
    if (time == absl::InfiniteFuture()) return absl::InfiniteDuration();
    return boot_at_begin_ + (time - begin_);
  }
  const Clock& clock() const { return *clock_; }

 private:
  const Clock* clock_;
  absl::Time begin_;
  absl::Duration boot_at_begin_;
};

}  // namespace skald::inline v1::internal
