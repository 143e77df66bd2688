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

  bool infinite() const { return boot_ == absl::InfiniteDuration(); }
  absl::Duration boot() const { return boot_; }

  bool Passed(const Clock& clock) const { return !infinite() && clock.Boot() >= boot_; }
  // Never negative; infinite for an infinite deadline.
  absl::Duration Remaining(const Clock& clock) const {
    if (infinite()) return absl::InfiniteDuration();
    return std::max(boot_ - clock.Boot(), absl::ZeroDuration());
  }
  Deadline Earlier(Deadline other) const { return Deadline(std::min(boot_, other.boot_)); }

  friend bool operator==(Deadline a, Deadline b) { return a.boot_ == b.boot_; }
  friend std::strong_ordering operator<=>(Deadline a, Deadline b) {
    if (a.boot_ == b.boot_) return std::strong_ordering::equal;
    return a.boot_ < b.boot_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }

 private:
  explicit Deadline(absl::Duration boot) : boot_(boot) {}

  absl::Duration boot_ = absl::InfiniteDuration();
};

}  // namespace skald::inline v1
