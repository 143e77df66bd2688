#include "skald/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstddef>

#include "skald/base/check.h"

namespace skald::inline v1 {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr uint64_t Rotate(uint64_t x, int by) {
  return (x << by) | (x >> (64 - by));
}

void FillFromSystem(void* to, size_t size) {
  // Up to 256 bytes come whole or not at all once the kernel's pool is ready.
  while (getrandom(to, size, 0) != static_cast<ssize_t>(size)) {
    SKALD_CHECK(errno == EINTR, "getrandom: errno={}", errno);
  }
}

class SystemRandom final : public Random {
 public:
  uint64_t Next() override {
    constexpr size_t kNumbers = 32;
    thread_local std::array<uint64_t, kNumbers> numbers;
    thread_local size_t left = 0;
    if (left == 0) {
      FillFromSystem(numbers.data(), sizeof(numbers));
      left = kNumbers;
    }
    return numbers[--left];
  }
};

}  // namespace

uint64_t Random::Below(uint64_t bound) {
  SKALD_CHECK(bound > 0);
  Wide product = Wide{Next()} * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < threshold) product = Wide{Next()} * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

double Random::UnitInterval() {
  return static_cast<double>(Next() >> 11) * 0x1p-53;
}

bool Random::Chance(double probability) {
  return UnitInterval() < probability;
}

Random& Random::Real() {
  static SystemRandom* const random = new SystemRandom;
  return *random;
}

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) word = SplitMix64(seed);
}

uint64_t SeededRandom::Next() {
  auto& s = state_;
  const uint64_t result = Rotate(s[0] + s[3], 23) + s[0];
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
  s[2] ^= t;
  s[3] = Rotate(s[3], 45);
  return result;
}

}  // namespace skald::inline v1
