// Randomness, passed in: real in production, seeded in tests and simulation.
//
//   Random& random = Random::Real();
//   const absl::Duration jitter = random.UnitInterval() * delay_max;
#pragma once

#include <array>
#include <cstdint>

#include "skald/base/export.h"

namespace skald::inline v1 {

// THREADS: as the implementation says.
class SKALD_EXPORT Random {
 public:
  virtual ~Random() = default;

  // 64 bits, uniformly distributed.
  virtual uint64_t Next() = 0;

  // In [0, bound), without bias (Lemire, "Fast random integer generation in an interval", 2019).
  // REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound);
  // In [0, 1), a multiple of 2^-53.
  double UnitInterval();
  // True with the given probability.
  bool Chance(double probability);

  // From the operating system; unpredictable. Lives for ever.
  // THREADS: any.   COST: a system call for every 32 numbers of a thread.
  static Random& Real();
};

// xoshiro256++ (Blackman, Vigna 2019), its state drawn by splitmix64 from the seed: one seed, one
// sequence, on every machine. Not for secrets.
// THREADS: one at a time.
class SKALD_EXPORT SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t Next() override;

 private:
  std::array<uint64_t, 4> state_;
};

// splitmix64: advances `state` and returns the next number; also a good mixer of a single word.
constexpr uint64_t SplitMix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace skald::inline v1
