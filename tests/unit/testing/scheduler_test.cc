#include "skald/testing/scheduler.h"

#include <string>
#include <vector>

#include "catch.h"

namespace {

using skald::SeededScheduler;

std::string History(uint64_t seed) {
  SeededScheduler world(seed);
  std::string history;
  int left[] = {5, 5, 5};
  for (int i = 0; i < 3; ++i) {
    world.AddActor("actor", [&history, &left, i] {
      if (left[i] == 0) return false;
      --left[i];
      history += static_cast<char>('a' + i);
      return true;
    });
  }
  for (int i = 0; i < 3; ++i) world.After(absl::ZeroDuration(), [&history] { history += '!'; });
  while (world.RunOne()) {
  }
  return history;
}

TEST_CASE("the same seed gives the same order, another seed another one") {
  CHECK(History(1) == History(1));
  CHECK(History(1) != History(2));
  CHECK(History(1).size() == 18);
}

TEST_CASE("nothing runs before its time") {
  SeededScheduler world(1);
  int ran = 0;
  world.After(absl::Milliseconds(5), [&] { ++ran; });
  CHECK_FALSE(world.RunOne());
  world.AdvanceToNext(absl::Milliseconds(2));
  CHECK_FALSE(world.RunOne());
  world.AdvanceToNext(absl::Seconds(1));
  CHECK(world.RunOne());
  CHECK(ran == 1);
  CHECK(world.clock().Boot() == absl::Milliseconds(5));
}

TEST_CASE("a delay that is no whole nanosecond ends all the same") {
  SeededScheduler world(1);
  bool ran = false;
  world.After(absl::Nanoseconds(1) / 4, [&] { ran = true; });
  world.AdvanceToNext(absl::Seconds(1));
  CHECK(world.RunOne());
  CHECK(ran);
}

TEST_CASE("a paused actor gets no turn until it goes on") {
  SeededScheduler world(1);
  int turns = 0;
  const auto id = world.AddActor("actor", [&] { return ++turns == 1; });
  world.SetPaused(id, true);
  CHECK_FALSE(world.RunOne());
  CHECK(turns == 0);
  world.SetPaused(id, false);
  CHECK(world.RunOne());
  world.RemoveActor(id);
  CHECK_FALSE(world.RunOne());
  CHECK(turns == 1);
}

TEST_CASE("what is dropped may add what is dropped as well") {
  SeededScheduler world(1);
  struct Stubborn {
    SeededScheduler* world;
    int left;
    Stubborn(SeededScheduler* w, int n) : world(w), left(n) {}
    Stubborn(Stubborn&& other) noexcept
        : world(std::exchange(other.world, nullptr)), left(other.left) {}
    ~Stubborn() {
      if (world != nullptr && left > 0) {
        world->After(absl::Seconds(1), [again = Stubborn(world, left - 1)] {});
      }
    }
  };
  world.After(absl::Seconds(1), [again = Stubborn(&world, 3)] {});
  world.ClearEvents();
  CHECK(world.events() == 0);
}

}  // namespace
