#include "skald/base/clock.h"

#include "absl/time/clock.h"
#include "catch.h"

namespace {

using skald::Clock;
using skald::ManualClock;

TEST_CASE("A manual clock stands still until it is advanced") {
  const absl::Time start = absl::FromUnixSeconds(1'000);
  ManualClock clock(start);
  CHECK(clock.Wall() == start);
  CHECK(clock.Boot() == absl::ZeroDuration());
  clock.Advance(absl::Minutes(5));
  CHECK(clock.Wall() == start + absl::Minutes(5));
  CHECK(clock.Boot() == absl::Minutes(5));
}

TEST_CASE("A step of the wall clock leaves the boot clock alone") {
  ManualClock clock;
  clock.Advance(absl::Seconds(3));
  clock.SetWall(absl::FromUnixSeconds(10));
  CHECK(clock.Wall() == absl::FromUnixSeconds(10));
  CHECK(clock.Boot() == absl::Seconds(3));
  clock.Advance(absl::Seconds(1));
  CHECK(clock.Wall() == absl::FromUnixSeconds(11));
}

TEST_CASE("A manual clock shows times beyond 2038") {
  ManualClock clock(absl::FromUnixSeconds(int64_t{1} << 32));
  CHECK(clock.Wall() == absl::FromUnixSeconds(int64_t{1} << 32));
}

TEST_CASE("The real boot clock never goes back, the real wall clock is the system's") {
  const Clock& clock = Clock::Real();
  const absl::Time before = absl::Now();
  absl::Duration last = clock.Boot();
  CHECK(last > absl::ZeroDuration());
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration now = clock.Boot();
    REQUIRE(now >= last);
    last = now;
  }
  CHECK(clock.Wall() >= before - absl::Hours(1));
  CHECK(clock.Wall() <= absl::Now() + absl::Hours(1));
}

}  // namespace
