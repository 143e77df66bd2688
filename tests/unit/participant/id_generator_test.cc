// Ids: unique and ascending whatever the clock does, across restarts, generators and threads.
#include "skald/participant/id_generator.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/base/random.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::IdGenerator;
using skald::IdGeneratorOptions;

struct Ids {
  Ids() { Reopen(); }
  void Reopen() {
    generator.reset();
    committer.reset();
    auto opened = Committer::Open(store, {.writer = "ids"});
    REQUIRE(opened.ok());
    committer = *std::move(opened);
  }
  absl::Status Open(IdGeneratorOptions options = {}) {
    options.clock = &clock;
    auto opened = IdGenerator::Open(*committer, options);
    if (opened.ok()) generator = *std::move(opened);
    return opened.status();
  }
  uint64_t Next() {
    const absl::StatusOr<uint64_t> id = generator->Next();
    INFO(id.status().ToString());
    REQUIRE(id.ok());
    return *id;
  }
  // As many as may be given out without waiting.
  std::vector<uint64_t> All() {
    std::vector<uint64_t> ids;
    for (auto id = generator->TryNext(); id.ok(); id = generator->TryNext()) ids.push_back(*id);
    return ids;
  }

  skald::ManualClock clock;
  skald::MemoryStore store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<IdGenerator> generator;
};

TEST_CASE("an id says when it was made, by whom, and as which") {
  Ids ids;
  REQUIRE(ids.Open({.worker = 201}).ok());
  const uint64_t first = ids.Next();
  const uint64_t second = ids.Next();
  const auto parts = IdGenerator::Decode(second);
  REQUIRE(parts.ok());
  CHECK(parts->time == ids.clock.Wall());
  CHECK(parts->worker == 201);
  CHECK(parts->sequence == 1);
  CHECK(second == first + 1);
  CHECK(absl::IsInvalidArgument(IdGenerator::Decode(uint64_t{1} << 63).status()));
}

TEST_CASE("a millisecond has so many ids, and the next one waits") {
  Ids ids;
  REQUIRE(ids.Open().ok());
  CHECK(ids.All().size() == skald::kIdsPerMillisecond);
  CHECK(absl::IsUnavailable(ids.generator->TryNext().status()));
  ids.clock.Advance(absl::Milliseconds(1));
  CHECK(ids.All().size() == skald::kIdsPerMillisecond);
  std::jthread later([&] { ids.clock.Advance(absl::Milliseconds(1)); });
  CHECK(ids.generator->Next().ok());
}

TEST_CASE("where the wall clock steps back, ids go on from where they were") {
  Ids ids;
  REQUIRE(ids.Open({.step_back_max = absl::Minutes(1)}).ok());
  const uint64_t before = ids.Next();
  ids.clock.SetWall(ids.clock.Wall() - absl::Seconds(30));
  const uint64_t after = ids.Next();
  CHECK(after == before + 1);
  // A full millisecond is followed by the next one when its time has come.
  while (ids.generator->TryNext().ok()) {
  }
  ids.clock.Advance(absl::Milliseconds(1));
  CHECK(ids.Next() > after);
}

TEST_CASE("a wall clock that is far behind is refused, or ids go on by option") {
  for (const bool go_on : {false, true}) {
    Ids ids;
    REQUIRE(ids.Open({.step_back_max = absl::Minutes(1), .go_on = go_on}).ok());
    const uint64_t before = ids.Next();
    ids.clock.SetWall(ids.clock.Wall() - absl::Hours(2));
    const auto after = ids.generator->TryNext();
    if (go_on) {
      CHECK(*after > before);
    } else {
      CHECK(absl::IsFailedPrecondition(after.status()));
      CHECK(std::string(after.status().message()).find("stepped back") != std::string::npos);
      ids.clock.SetWall(ids.clock.Wall() + absl::Hours(2));
      CHECK(*ids.generator->TryNext() > before);
    }
  }
}

TEST_CASE("after a restart ids go on behind what was reserved, also when the clock went back") {
  for (const absl::Duration step : {absl::ZeroDuration(), absl::Seconds(20)}) {
    Ids ids;
    REQUIRE(ids.Open().ok());
    ids.Next();
    const uint64_t last = ids.All().back();
    ids.Reopen();
    ids.clock.SetWall(ids.clock.Wall() - step);
    REQUIRE(ids.Open().ok());
    CHECK(ids.Next() > last);
  }
}

TEST_CASE("a process that is started again and again keeps its ids near the clock") {
  Ids ids;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(ids.Open().ok());
    const auto parts = IdGenerator::Decode(ids.Next());
    CHECK(parts->time - ids.clock.Wall() < absl::Seconds(1));
    ids.Reopen();
    ids.clock.Advance(absl::Milliseconds(20));
  }
}

TEST_CASE("time is reserved ahead, a commit now and then") {
  Ids ids;
  REQUIRE(ids.Open().ok());
  const uint64_t commits = ids.committer->stats().batches;
  uint64_t last = 0;
  for (int i = 0; i < 60'000; ++i) {
    ids.clock.Advance(absl::Milliseconds(1));
    const uint64_t id = ids.Next();
    CHECK(id > last);
    last = id;
  }
  // A minute, by spans of four seconds.
  CHECK(ids.committer->stats().batches - commits < 45);
}

TEST_CASE("two generators with one worker never give the same id, and the earlier one stops") {
  Ids ids;
  REQUIRE(ids.Open({.worker = 3}).ok());
  std::vector<uint64_t> all = {ids.Next()};
  std::unique_ptr<IdGenerator> earlier = std::move(ids.generator);
  REQUIRE(ids.Open({.worker = 3}).ok());
  absl::Status stopped;
  for (int i = 0; i < 2000; ++i) {
    ids.clock.Advance(absl::Milliseconds(1));
    all.push_back(ids.Next());
    const auto id = earlier->TryNext();
    if (id.ok()) all.push_back(*id);
    if (absl::IsAborted(id.status())) stopped = id.status();
  }
  CHECK(std::string(stopped.message()).find("another generator has taken worker 3") !=
        std::string::npos);
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("eight workers, clock steps and restarts: no id twice, ascending for each worker") {
  Ids ids;
  skald::SeededRandom random(7);
  std::vector<uint64_t> all;
  std::vector<uint64_t> last(8, 0);
  std::vector<std::unique_ptr<IdGenerator>> generators(8);
  int steps = 0;
  const auto open = [&](uint16_t worker) {
    REQUIRE(ids.Open({.worker = worker, .go_on = true}).ok());
    generators[worker] = std::move(ids.generator);
  };
  for (uint16_t worker = 0; worker < 8; ++worker) open(worker);
  for (int i = 0; i < 20'000; ++i) {
    const auto worker = static_cast<uint16_t>(random.Below(8));
    if (random.Chance(0.005)) open(worker);
    if (random.Chance(0.01)) {
      const auto by = absl::Milliseconds(static_cast<int64_t>(random.Below(20'000)) - 10'000);
      ids.clock.SetWall(ids.clock.Wall() + by);
      ++steps;
    }
    if (random.Chance(0.2)) ids.clock.Advance(absl::Milliseconds(random.Below(50)));
    for (int j = 0; j < 20; ++j) {
      const auto id = generators[worker]->Next();
      REQUIRE(id.ok());
      REQUIRE(*id > last[worker]);
      last[worker] = *id;
      all.push_back(*id);
    }
  }
  CHECK(steps > 100);
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("many threads share a generator") {
  Ids ids;
  IdGeneratorOptions options;
  auto opened = IdGenerator::Open(*ids.committer, options);  // the real clock
  REQUIRE(opened.ok());
  std::vector<std::vector<uint64_t>> got(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : got) {
      threads.emplace_back([&mine, &generator = **opened] {
        for (int i = 0; i < 50'000; ++i) {
          const auto id = generator.Next();
          if (id.ok()) mine.push_back(*id);
        }
      });
    }
  }
  std::vector<uint64_t> all;
  for (const auto& mine : got) {
    CHECK(mine.size() == 50'000);
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("threads that meet a stopped generator are all told why") {
  for (int round = 0; round < 50; ++round) {
    Ids ids;
    auto first = IdGenerator::Open(*ids.committer, {.worker = 5});
    auto second = IdGenerator::Open(*ids.committer, {.worker = 5});
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    std::atomic<int> aborted{0};
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          const absl::Duration end = skald::Clock::Real().Boot() + absl::Seconds(10);
          while (skald::Clock::Real().Boot() < end) {
            const auto id = (*first)->TryNext();
            if (!absl::IsAborted(id.status())) continue;
            ++aborted;
            return;
          }
        });
      }
    }
    CHECK(aborted == 4);
  }
}

TEST_CASE("options and clocks that make no sense are refused with the reason") {
  Ids ids;
  const auto said = [&](IdGeneratorOptions options) {
    return std::string(ids.Open(options).message());
  };
  CHECK(said({.worker = 256}) ==
        "opening an id generator: worker 256 is out of range, there are 0 to 255");
  CHECK(said({.reserve_ahead = absl::Milliseconds(1)}).find("between 100ms and 1h") !=
        std::string::npos);
  CHECK(said({.step_back_max = -absl::Seconds(1)}).find("negative") != std::string::npos);
  ids.clock.SetWall(absl::FromUnixSeconds(-5));
  CHECK(said({}).find("before ids begin in 2020") != std::string::npos);
}

TEST_CASE("a damaged row refuses the open") {
  Ids ids;
  skald::Transaction rows = ids.committer->Begin();
  rows.Put("~i/000", "what");
  REQUIRE(std::move(rows).Commit().ok());
  CHECK(absl::IsDataLoss(ids.Open()));
}

}  // namespace
}  // namespace skald_test
