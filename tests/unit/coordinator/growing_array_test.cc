// The array that an open notes sagas in, over the border between small and large pages.
#include "growing_array.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "catch.h"

namespace skald::internal {
namespace {

struct Note {
  uint64_t number;
  uint32_t other;
};

TEST_CASE("an array that grows keeps what it holds, and where") {
  GrowingArray<Note> notes;
  std::vector<const Note*> places;
  // Its last runs are of several megabytes.
  for (uint32_t i = 0; i < 400'000; ++i) {
    notes.push_back({.number = i * uint64_t{7}, .other = ~i});
    if ((i & (i + 1)) == 0) places.push_back(&notes[i]);
  }
  REQUIRE(notes.size() == 400'000);
  bool same = true;
  for (uint32_t i = 0; i < notes.size(); ++i) {
    same = same && notes[i].number == i * uint64_t{7} && notes[i].other == ~i;
  }
  CHECK(same);
  for (size_t i = 0; i < places.size(); ++i) {
    CAPTURE(i);
    CHECK(places[i] == &notes[(size_t{1} << i) - 1]);
  }
}

TEST_CASE("an array that is moved from is empty, and grows again") {
  GrowingArray<Note> notes;
  for (uint32_t i = 0; i < 1'000; ++i) notes.push_back({.number = i, .other = 0});
  GrowingArray<Note> taken = std::move(notes);
  CHECK(taken.size() == 1'000);
  CHECK(taken[999].number == 999);
  notes = GrowingArray<Note>();
  CHECK(notes.size() == 0);
  notes.push_back({.number = 5, .other = 0});
  CHECK(notes[0].number == 5);
  taken = std::move(notes);
  CHECK(taken.size() == 1);
  CHECK(taken[0].number == 5);
}

TEST_CASE("memory in large pages begins at one, also for sizes that are not whole pages") {
  for (const size_t bytes : {size_t{1}, kLargePage - 1, kLargePage, 3 * kLargePage + 1}) {
    CAPTURE(bytes);
    auto* const memory = static_cast<char*>(AllocateLargePages(bytes));
    CHECK(reinterpret_cast<uintptr_t>(memory) % kLargePage == 0);
    memory[0] = memory[bytes - 1] = 'x';
    FreeLargePages(memory);
  }
}

}  // namespace
}  // namespace skald::internal
