// Time, passed in. `Wall` is what people call the time and may jump; `Boot` counts since boot,
// through suspend, and never goes back.
//
//   skald::ManualClock clock;              // tests
//   clock.Advance(absl::Minutes(5));
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// THREADS: any.
class SKALD_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Wall() const = 0;
  virtual absl::Duration Boot() const = 0;

  // The machine's clocks. Lives for ever.
  static const Clock& Real();
};

// Stands still until told. Boot only advances; Wall can be set to anything.
class SKALD_EXPORT ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time wall = absl::FromUnixSeconds(1'800'000'000));

  absl::Time Wall() const override;
  absl::Duration Boot() const override;

  // REQUIRES: by >= 0.
  void Advance(absl::Duration by);
  // A step of the wall clock alone, in either direction.
  void SetWall(absl::Time wall);

 private:
  std::atomic<int64_t> boot_nanos_{0};
  std::atomic<int64_t> wall_offset_nanos_;
};

}  // namespace skald::inline v1
