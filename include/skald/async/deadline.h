// A point in time by which something must have ended. Given from caller to callee it only shrinks:
// what is called may take the Earlier of its own limit and the one it got.
//
//   const Deadline mine = Deadline::In(clock, absl::Seconds(5)).Earlier(context.deadline());
//   client.set_timeout(mine.Remaining(clock));
//
// It stands on the boot clock, which neither jumps nor stops in suspend, and is therefore worth
// nothing in another process or after a restart: what must survive those is stored as a wall time.
// A value; copy it.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

#include "absl/time/time.h"
#include "skald/base/clock.h"

namespace skald::inline v1 {

class Deadline {
 public:
  // Never.
  Deadline() = default;
  static Deadline Infinite() { return Deadline(); }

  // `timeout` from now; has passed already when that is not positive.
  static Deadline In(const Clock& clock, absl::Duration timeout) {
    return Deadline(clock.Boot() + timeout);
  }
  // When the boot clock shows `boot`.
  static Deadline AtBoot(absl::Duration boot) { return Deadline(boot); }

  bool infinite() const { return nanos_ == kNever; }
  // In whole nanoseconds, and not before what it was made of.
  absl::Duration boot() const {
    return infinite() ? absl::InfiniteDuration() : absl::Nanoseconds(nanos_);
  }

  bool Passed(const Clock& clock) const { return !infinite() && clock.Boot() >= boot(); }
  // Never negative; infinite for an infinite deadline.
  absl::Duration Remaining(const Clock& clock) const {
    if (infinite()) return absl::InfiniteDuration();
    return std::max(boot() - clock.Boot(), absl::ZeroDuration());
  }
  Deadline Earlier(Deadline other) const { return std::min(*this, other); }

  friend auto operator<=>(Deadline, Deadline) = default;

 private:
  // What a nanosecond-count cannot hold is never.
  static constexpr int64_t kNever = INT64_MAX;

  explicit Deadline(absl::Duration boot) : nanos_(absl::ToInt64Nanoseconds(boot)) {
    // (Durations count quarters of a nanosecond.)
    if (!infinite() && absl::Nanoseconds(nanos_) < boot) ++nanos_;
  }

  int64_t nanos_ = kNever;
};

}  // namespace skald::inline v1
