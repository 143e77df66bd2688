#include "skald/base/random.h"

#include <array>
#include <cstdlib>
#include <set>
#include <thread>

#include "catch.h"

namespace {

using skald::Random;
using skald::SeededRandom;

TEST_CASE("splitmix64 gives the published sequence") {
  // Seed 1234567, from the reference implementation by Sebastiano Vigna.
  uint64_t state = 1234567;
  CHECK(skald::SplitMix64(state) == 6457827717110365317U);
  CHECK(skald::SplitMix64(state) == 3203168211198807973U);
  CHECK(skald::SplitMix64(state) == 9817491932198370423U);
}

TEST_CASE("xoshiro256++ gives the same numbers for ever") {
  // From a second implementation, in Python, that gives the published sequence for the state 1 2
  // 3 4.
  SeededRandom random(42);
  CHECK(random.Next() == 0xd0764d4f4476689f);
  CHECK(random.Next() == 0x519e4174576f3791);
  CHECK(random.Next() == 0xfbe07cfb0c24ed8c);
}

TEST_CASE("One seed gives one sequence, another seed another") {
  SeededRandom a(42);
  SeededRandom b(42);
  SeededRandom c(43);
  int different = 0;
  for (int i = 0; i < 1'000; ++i) {
    const uint64_t number = a.Next();
    REQUIRE(number == b.Next());
    different += number != c.Next();
  }
  CHECK(different == 1'000);
}

TEST_CASE("Below stays below its bound and reaches every value evenly") {
  SeededRandom random(7);
  std::array<int, 10> hits{};
  for (int i = 0; i < 100'000; ++i) ++hits[random.Below(10)];
  // 10,000 expected each, with a standard deviation of 95: six of them.
  for (const int hit : hits) CHECK(std::abs(hit - 10'000) < 570);
  for (int i = 0; i < 100; ++i) CHECK(random.Below(1) == 0);
}

TEST_CASE("Below is fair for bounds that do not divide 2^64") {
  SeededRandom random(8);
  const uint64_t bound = (uint64_t{3} << 62);  // a plain remainder would hit the lower third twice
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.Below(bound) < bound / 3;
  // 10,000 expected, with a standard deviation of 82: six of them.
  CHECK(std::abs(low - 10'000) < 490);
}

TEST_CASE("UnitInterval lies in [0, 1) with its mean in the middle") {
  SeededRandom random(9);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = random.UnitInterval();
    REQUIRE((x >= 0 && x < 1));
    sum += x;
  }
  // The mean's standard deviation is 0.0009: six of them.
  CHECK(sum / 100'000 == Approx(0.5).margin(0.0055));
}

TEST_CASE("Chance is never at 0 and always at 1") {
  SeededRandom random(10);
  for (int i = 0; i < 1'000; ++i) {
    CHECK_FALSE(random.Chance(0));
    CHECK(random.Chance(1));
  }
}

TEST_CASE("The system's randomness does not repeat within or across threads") {
  std::set<uint64_t> mine;
  std::set<uint64_t> others;
  for (int i = 0; i < 1'000; ++i) mine.insert(Random::Real().Next());
  std::thread([&] {
    for (int i = 0; i < 1'000; ++i) others.insert(Random::Real().Next());
  }).join();
  mine.merge(others);
  CHECK(mine.size() == 2'000);
}

}  // namespace
