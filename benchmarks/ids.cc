// A hundred million ids by eight workers, over clock steps and restarts: none twice, ascending for
// each worker; and how fast one core gives them out by the real clock.
//
//   ids [--count 100000000] [--seed 1]
#include <cstdio>
#include <memory>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "skald/base/clock.h"
#include "skald/base/random.h"
#include "skald/participant/id_generator.h"
#include "skald/store/memory_store.h"

namespace skald::bench {
namespace {

constexpr uint16_t kWorkers = 8;

struct Counts {
  uint64_t ids = 0, not_ascending = 0, failed = 0, steps_back = 0, steps_forward = 0, restarts = 0;
};

// Ids of one worker that ascend strictly hold none twice, and those of two workers differ in the
// worker.
Counts Simulate(uint64_t count, uint64_t seed) {
  Counts counts;
  ManualClock clock;
  MemoryStore store;
  auto committer = Committer::Open(store, {.writer = "ids"});
  SeededRandom random(seed);
  std::vector<std::unique_ptr<IdGenerator>> generators(kWorkers);
  std::vector<uint64_t> last(kWorkers, 0);
  const auto open = [&](uint16_t worker) {
    auto opened =
        IdGenerator::Open(**committer, {.worker = worker, .go_on = true, .clock = &clock});
    counts.failed += !opened.ok();
    if (opened.ok()) generators[worker] = *std::move(opened);
  };
  for (uint16_t worker = 0; worker < kWorkers; ++worker) open(worker);
  while (counts.ids < count) {
    const auto worker = static_cast<uint16_t>(random.Below(kWorkers));
    if (random.Chance(0.02)) {
      open(worker);
      ++counts.restarts;
    }
    if (random.Chance(0.05)) {
      const auto millis = static_cast<int64_t>(random.Below(40'000)) - 20'000;
      clock.SetWall(clock.Wall() + absl::Milliseconds(millis));
      ++(millis < 0 ? counts.steps_back : counts.steps_forward);
    }
    clock.Advance(absl::Microseconds(random.Below(2000)));
    for (int i = 0; i < 4000 && counts.ids < count; ++i, ++counts.ids) {
      auto id = generators[worker]->TryNext();
      if (absl::IsUnavailable(id.status())) {
        clock.Advance(absl::Milliseconds(1));
        id = generators[worker]->Next();
      }
      counts.failed += !id.ok();
      if (!id.ok()) continue;
      const auto parts = IdGenerator::Decode(*id);
      counts.not_ascending += *id <= last[worker] || !parts.ok() || parts->worker != worker;
      last[worker] = *id;
    }
  }
  return counts;
}

// Zero: it could not give them all.
double PerSecond(uint64_t count) {
  MemoryStore store;
  auto committer = Committer::Open(store, {.writer = "ids"});
  auto generator = IdGenerator::Open(**committer);
  if (!generator.ok()) return 0;
  const absl::Duration begin = Clock::Real().Boot();
  uint64_t given = 0;
  for (uint64_t i = 0; i < count; ++i) given += (*generator)->Next().ok();
  const absl::Duration took = Clock::Real().Boot() - begin;
  return given == count ? static_cast<double>(count) / absl::ToDoubleSeconds(took) : 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Ids over clock steps and restarts.");
  uint64_t count = 100'000'000;
  uint64_t seed = 1;
  app.add_option("--count", count, "How many ids [100000000]");
  app.add_option("--seed", seed, "Draws steps and restarts [1]");
  CLI11_PARSE(app, argc, argv);
  const Counts counts = Simulate(count, seed);
  fmt::print("ids of {} workers            {:>13}\n", kWorkers, counts.ids);
  fmt::print("clock steps back            {:>14}\n", counts.steps_back);
  fmt::print("clock steps forward         {:>14}\n", counts.steps_forward);
  fmt::print("restarts                    {:>14}\n", counts.restarts);
  fmt::print("not ascending, or twice     {:>14}\n", counts.not_ascending);
  fmt::print("refused                     {:>14}\n", counts.failed);
  bool all_given = true;
  for (int round = 0; round < 5; ++round) {
    const double rate = PerSecond(20'000'000);
    all_given = all_given && rate > 0;
    fmt::print("ids a second, one core      {:>14.0f}\n", rate);
  }
  const bool sound = counts.not_ascending + counts.failed == 0 && counts.ids == count;
  return sound && all_given ? 0 : 1;
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
