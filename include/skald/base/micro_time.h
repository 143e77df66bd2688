// A point in time in eight bytes: whole microseconds since 1970, as journals hold it. What there is
// one of for each step of each saga in memory is kept in it; everything else uses absl::Time, to
// and from which it converts by itself.
#pragma once

#include <compare>
#include <cstdint>

#include "absl/time/time.h"

namespace skald::inline v1 {

class MicroTime {
 public:
  // As FromUnixMicros(); the largest and the smallest number are the infinite times.
  static constexpr MicroTime FromMicros(int64_t micros) { return MicroTime(micros); }
  constexpr int64_t micros() const { return micros_; }

  constexpr MicroTime() = default;
  // Never before `time`: a fraction of a microsecond counts as a whole one.
  // NOLINTNEXTLINE(google-explicit-constructor): the same point in time
  MicroTime(absl::Time time)
      : micros_(time == absl::InfiniteFuture() ? kFuture
                                               : absl::ToUnixMicros(time + kAlmostAMicrosecond)) {}

  // NOLINTNEXTLINE(google-explicit-constructor): the same point in time
  operator absl::Time() const {
    if (micros_ == kFuture) return absl::InfiniteFuture();
    if (micros_ == kPast) return absl::InfinitePast();
    return absl::FromUnixMicros(micros_);
  }

  static constexpr MicroTime InfiniteFuture() { return MicroTime(kFuture); }
  static constexpr MicroTime InfinitePast() { return MicroTime(kPast); }

  friend constexpr bool operator==(MicroTime, MicroTime) = default;
  friend constexpr auto operator<=>(MicroTime, MicroTime) = default;
  friend bool operator==(MicroTime a, absl::Time b) { return absl::Time(a) == b; }
  friend std::strong_ordering operator<=>(MicroTime a, absl::Time b) {
    const absl::Time time = a;
    if (time == b) return std::strong_ordering::equal;
    return time < b ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  friend absl::Duration operator-(MicroTime a, MicroTime b) {
    int64_t micros = 0;
    if (a.infinite() || b.infinite() || __builtin_sub_overflow(a.micros_, b.micros_, &micros)) {
      return absl::Time(a) - absl::Time(b);
    }
    return absl::Microseconds(micros);
  }
  friend absl::Duration operator-(absl::Time a, MicroTime b) { return a - absl::Time(b); }
  friend MicroTime operator+(MicroTime a, absl::Duration more) {
    const int64_t micros = absl::ToInt64Microseconds(more + kAlmostAMicrosecond);
    int64_t sum = 0;
    if (a.infinite() || micros <= 0 || __builtin_add_overflow(a.micros_, micros, &sum)) {
      return absl::Time(a) + more;
    }
    return MicroTime(sum);
  }

 private:
  static constexpr int64_t kFuture = INT64_MAX;
  static constexpr int64_t kPast = INT64_MIN;
  static constexpr absl::Duration kAlmostAMicrosecond = absl::Nanoseconds(999);

  bool infinite() const { return micros_ == kFuture || micros_ == kPast; }

  explicit constexpr MicroTime(int64_t micros) : micros_(micros) {}

  int64_t micros_ = 0;
};

}  // namespace skald::inline v1
