#include "skald/async/deadline.h"

#include "catch.h"

namespace {

using skald::Deadline;
using skald::ManualClock;

TEST_CASE("A deadline passes when the boot clock reaches it, not before") {
  ManualClock clock;
  const Deadline deadline = Deadline::In(clock, absl::Seconds(5));
  CHECK(deadline.Remaining(clock) == absl::Seconds(5));
  clock.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  CHECK_FALSE(deadline.Passed(clock));
  CHECK(deadline.Remaining(clock) == absl::Nanoseconds(1));
  clock.Advance(absl::Nanoseconds(1));
  CHECK(deadline.Passed(clock));
  clock.Advance(absl::Hours(1));
  CHECK(deadline.Remaining(clock) == absl::ZeroDuration());
}

TEST_CASE("Jumps of the wall clock do not touch a deadline") {
  ManualClock clock;
  const Deadline deadline = Deadline::In(clock, absl::Seconds(5));
  clock.SetWall(absl::FromUnixSeconds(int64_t{1} << 33));
  CHECK(deadline.Remaining(clock) == absl::Seconds(5));
}

TEST_CASE("A deadline without time left has passed at once") {
  ManualClock clock;
  CHECK(Deadline::In(clock, absl::ZeroDuration()).Passed(clock));
  CHECK(Deadline::In(clock, -absl::Seconds(1)).Passed(clock));
  CHECK(Deadline::In(clock, -absl::InfiniteDuration()).Passed(clock));
}

TEST_CASE("An infinite deadline never passes") {
  ManualClock clock;
  for (const Deadline deadline :
       {Deadline(), Deadline::Infinite(), Deadline::In(clock, absl::InfiniteDuration())}) {
    clock.Advance(absl::Hours(24 * 365 * 100));
    CHECK(deadline.infinite());
    CHECK_FALSE(deadline.Passed(clock));
    CHECK(deadline.Remaining(clock) == absl::InfiniteDuration());
  }
}

TEST_CASE("Earlier only shrinks") {
  ManualClock clock;
  const Deadline soon = Deadline::In(clock, absl::Seconds(1));
  const Deadline late = Deadline::In(clock, absl::Seconds(9));
  CHECK(soon.Earlier(late) == soon);
  CHECK(late.Earlier(soon) == soon);
  CHECK(late.Earlier(Deadline::Infinite()) == late);
  CHECK(Deadline::Infinite().Earlier(soon) == soon);
  CHECK(soon < late);
  CHECK(late < Deadline::Infinite());
}

}  // namespace
