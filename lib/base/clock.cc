#include "skald/base/clock.h"

#include <ctime>

#include "absl/time/clock.h"
#include "skald/base/check.h"

namespace skald::inline v1 {
namespace {

class SystemClock final : public Clock {
 public:
  absl::Time Wall() const override { return absl::Now(); }
  absl::Duration Boot() const override {
    timespec now{};
    const int result = clock_gettime(CLOCK_BOOTTIME, &now);
    SKALD_CHECK(result == 0, "clock_gettime(CLOCK_BOOTTIME)={}", result);
    return absl::DurationFromTimespec(now);
  }
};

}  // namespace

const Clock& Clock::Real() {
  static const SystemClock* const clock = new SystemClock;
  return *clock;
}

ManualClock::ManualClock(absl::Time wall) : wall_offset_nanos_(absl::ToUnixNanos(wall)) {}

absl::Time ManualClock::Wall() const {
  return absl::FromUnixNanos(wall_offset_nanos_.load()) + Boot();
}

absl::Duration ManualClock::Boot() const {
  return absl::Nanoseconds(boot_nanos_.load());
}

void ManualClock::Advance(absl::Duration by) {
  SKALD_CHECK(by >= absl::ZeroDuration(), "by={}ns", absl::ToInt64Nanoseconds(by));
  boot_nanos_.fetch_add(absl::ToInt64Nanoseconds(by));
}

void ManualClock::SetWall(absl::Time wall) {
  wall_offset_nanos_.store(absl::ToUnixNanos(wall - Boot()));
}

}  // namespace skald::inline v1
