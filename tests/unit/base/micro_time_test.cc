#include "skald/base/micro_time.h"

#include "catch.h"

namespace {

using skald::MicroTime;

TEST_CASE("a time in whole microseconds comes back as it was") {
  for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1'700'000'000'123'456}}) {
    const absl::Time time = absl::FromUnixMicros(micros);
    CHECK(absl::Time(MicroTime(time)) == time);
    CHECK(MicroTime(time).micros() == micros);
  }
  CHECK(absl::Time(MicroTime(absl::InfiniteFuture())) == absl::InfiniteFuture());
  CHECK(absl::Time(MicroTime(absl::InfinitePast())) == absl::InfinitePast());
}

TEST_CASE("a time between two microseconds is never kept as an earlier one") {
  for (const int64_t micros : {-5, 0, 5}) {
    const absl::Time whole = absl::FromUnixMicros(micros);
    CHECK(absl::Time(MicroTime(whole + absl::Nanoseconds(1))) == whole + absl::Microseconds(1));
    CHECK(absl::Time(MicroTime(whole + absl::Nanoseconds(999))) == whole + absl::Microseconds(1));
    CHECK(MicroTime(whole) + absl::Nanoseconds(1) == whole + absl::Microseconds(1));
    CHECK(MicroTime(whole) + absl::Nanoseconds(-1001) == whole - absl::Microseconds(1));
  }
}

TEST_CASE("times in microseconds are ordered and counted as the times that they are") {
  const MicroTime early = absl::FromUnixMicros(7);
  const MicroTime late = absl::FromUnixMicros(9);
  CHECK(early < late);
  CHECK(early < absl::Time(late));
  CHECK(absl::Time(early) < late);
  CHECK(late - early == absl::Microseconds(2));
  CHECK(absl::Time(late) - early == absl::Microseconds(2));
  CHECK(early + absl::Microseconds(2) == late);
  CHECK(MicroTime::InfinitePast() < early);
  CHECK(late < MicroTime::InfiniteFuture());
  CHECK(MicroTime::InfiniteFuture() - early == absl::InfiniteDuration());
  CHECK(early + absl::InfiniteDuration() == MicroTime::InfiniteFuture());
  CHECK(MicroTime::InfiniteFuture() + absl::Seconds(1) == MicroTime::InfiniteFuture());
  // Beyond what 64 bits hold.
  const MicroTime last = MicroTime::FromMicros(INT64_MAX - 1);
  CHECK(last + absl::Hours(1) == MicroTime::InfiniteFuture());
  CHECK(last - MicroTime::FromMicros(INT64_MIN + 1) > absl::Hours(1));
}

}  // namespace
