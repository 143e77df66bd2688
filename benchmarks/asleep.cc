// Many sagas asleep: what one costs in memory and on disk, how fast they come back, and that none
// comes back early or is lost when the process is killed.
//
//   asleep start --dir D --count 1000000   starts them; each sleeps until some moment of one hour
//   asleep weigh --dir D                   what those asleep take in memory
//   asleep wake  --dir D [--kill-after N]  lets the hour pass; dies (SIGKILL) once N have ended
//   asleep check --dir D --count 1000000   every one has ended, once
//
// The clock is moved by hand, so that an hour takes no time; the disk and its syncs are real.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "skald/async/manual_executor.h"
#include "skald/base/clock.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/saga/define.h"

namespace skald::bench {
namespace {

struct Rest : StepKey<"rest"> {};
struct Done : StepKey<"done"> {};
// When it is to wake, in seconds of the hour, and what an order would carry along.
struct Input {
  uint64_t second;
  char filling[192];
};
inline constexpr SagaKey<"sleeper", 1, Input> kSleeper;

const absl::Time kBegin = absl::FromUnixSeconds(1'800'000'000);
constexpr uint64_t kSeconds = 3600;

struct Run {
  ManualClock clock;
  ManualExecutor executor;
  absl::Time right = absl::InfinitePast();  // the time without the jumps
  std::unique_ptr<Store> store;
  std::unique_ptr<Coordinator> coordinator;
  uint64_t early = 0;
  uint64_t ended = 0;
  uint64_t kill_after = 0;
};

uint64_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

double Seconds(absl::Time since) {
  return absl::ToDoubleSeconds(absl::Now() - since);
}

Definition Sleeper(Run& run) {
  return Define(kSleeper)
      .Sleep(Rest{}, [](const Input& input) { return kBegin + absl::Seconds(input.second); })
      .NoEffect(
          Done{},
          [&run](const StepContext&, const Input& input) {
            if (run.right < kBegin + absl::Seconds(input.second)) ++run.early;
            if (++run.ended == run.kill_after) raise(SIGKILL);
          },
          Inline())
      .Build();
}

void Open(Run& run, const std::string& dir, absl::Time now) {
  run.clock.SetWall(now);
  if (run.store == nullptr) {
    auto store = OpenRocksDbStore(dir);
    if (!store.ok()) throw std::runtime_error(store.status().ToString());
    run.store = *std::move(store);
  }
  CoordinatorOptions options;
  options.own_threads = false;
  options.clock = &run.clock;
  const absl::Time begin = absl::Now();
  auto coordinator = Coordinator::Open(*run.store, run.executor, {Sleeper(run)}, options);
  if (!coordinator.ok()) throw std::runtime_error(coordinator.status().ToString());
  run.coordinator = *std::move(coordinator);
  fmt::print("opened in {:.2f} s: {} asleep, {} in memory\n", Seconds(begin),
             run.coordinator->stats().asleep, run.coordinator->stats().in_flight);
}

void Start(const std::string& dir, uint64_t count) {
  Run run;
  Open(run, dir, kBegin - absl::Hours(1));
  const uint64_t before = ResidentBytes();
  const absl::Time begin = absl::Now();
  for (uint64_t i = 0; i < count;) {
    for (uint64_t some = std::min<uint64_t>(count, i + 8192); i < some; ++i) {
      const Input input{.second = i * kSeconds / count, .filling = {}};
      run.coordinator->StartThen(kSleeper, input, {.key = fmt::format("sleeper {}", i)},
                                 [](const absl::StatusOr<SagaHandle<Nothing>>& saga) {
                                   if (!saga.ok()) throw std::runtime_error("a start failed");
                                 });
    }
    run.coordinator->RunUntilIdle();
    if (i % (count / 10 + 1) < 8192) {
      fmt::print(stderr, "\r{} of {} started", i, count);
    }
  }
  const double seconds = Seconds(begin);
  const Coordinator::Stats stats = run.coordinator->stats();
  fmt::print(stderr, "\r");
  fmt::print("{} started in {:.1f} s, {:.0f} a second; {} asleep, {} in memory\n", count, seconds,
             static_cast<double>(count) / seconds, stats.asleep, stats.in_flight);
  run.coordinator->RunUntilIdle();
  fmt::print("resident before {} KiB, after {} KiB (with the store's own buffers)\n", before / 1024,
             ResidentBytes() / 1024);
}

// Memory of the sleepers alone: what an open adds over a store whose buffers hold their rows.
void Weigh(const std::string& dir) {
  Run run;
  for (const bool weighed : {false, true}) {
    const uint64_t before = ResidentBytes();
    Open(run, dir, kBegin - absl::Hours(1));
    run.coordinator->RunUntilIdle();
    const uint64_t after = ResidentBytes();
    const auto asleep = static_cast<double>(run.coordinator->stats().asleep);
    if (weighed) {
      fmt::print("{:.1f} bytes a saga asleep ({} KiB resident without them, {} KiB with)\n",
                 static_cast<double>(after - before) / asleep, before / 1024, after / 1024);
    }
    run.coordinator.reset();
  }
}

// How far the hour has come, beside the store, for the process that goes on after a kill.
absl::Time ReadClock(const std::string& dir) {
  std::ifstream file(dir + ".clock");
  int64_t seconds = absl::ToUnixSeconds(kBegin - absl::Minutes(1));
  file >> seconds;
  return absl::FromUnixSeconds(seconds);
}
void WriteClock(const std::string& dir, absl::Time now) {
  std::ofstream(dir + ".clock") << absl::ToUnixSeconds(now) << std::endl;
}

void Wake(const std::string& dir, uint64_t kill_after) {
  Run run;
  Open(run, dir, ReadClock(dir));
  run.kill_after = kill_after;
  const absl::Time begin = absl::Now();
  // Minute by minute; the wall clock jumps about meanwhile, which must wake nobody.
  run.right = run.clock.Wall();
  for (uint64_t minute = 0; run.right <= kBegin + absl::Seconds(kSeconds); ++minute) {
    run.coordinator->RunUntilIdle();
    run.clock.Advance(absl::Minutes(1));
    run.right = run.clock.Wall();
    WriteClock(dir, run.right);
    run.clock.SetWall(run.right + absl::Hours(minute % 2 == 0 ? 5 : -5));
    run.coordinator->RunUntilIdle();
    run.clock.SetWall(run.right);
  }
  const double seconds = Seconds(begin);
  fmt::print("{} woke and ended in {:.1f} s, {:.0f} a second; {} early; {} asleep, {} in memory\n",
             run.ended, seconds, static_cast<double>(run.ended) / seconds, run.early,
             run.coordinator->stats().asleep, run.coordinator->stats().in_flight);
  if (run.early > 0) throw std::runtime_error("a saga woke early");
}

void Check(const std::string& dir, uint64_t count) {
  Run run;
  Open(run, dir, kBegin + absl::Hours(2));
  run.coordinator->RunUntilIdle();
  auto all = run.coordinator->List({.finished = true, .limit = count + 1});
  if (!all.ok()) throw std::runtime_error(all.status().ToString());
  uint64_t completed = 0;
  for (const SagaInfo& info : *all) completed += info.state == SagaState::kCompleted ? 1 : 0;
  fmt::print("{} of {} are Completed; {} asleep, {} in memory\n", completed, count,
             run.coordinator->stats().asleep, run.coordinator->stats().in_flight);
  if (completed != count || all->size() != count) throw std::runtime_error("sagas were lost");
}

int Main(int argc, char** argv) {
  CLI::App app{"Many sagas asleep: memory, wake-ups, and kills in between."};
  std::string dir;
  uint64_t count = 1'000'000;
  uint64_t kill_after = 0;
  app.require_subcommand(1);
  const auto command = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("--dir", dir, "where the store is")->required();
    return sub;
  };
  CLI::App* start = command("start", "start sagas that fall asleep");
  start->add_option("--count", count, "how many");
  CLI::App* weigh = command("weigh", "what those asleep take in memory");
  CLI::App* wake = command("wake", "let their time pass");
  wake->add_option("--kill-after", kill_after, "die after so many have ended");
  CLI::App* check = command("check", "see that all have ended");
  check->add_option("--count", count, "how many there must be");
  CLI11_PARSE(app, argc, argv);
  try {
    if (start->parsed()) Start(dir, count);
    if (weigh->parsed()) Weigh(dir);
    if (wake->parsed()) Wake(dir, kill_after);
    if (check->parsed()) Check(dir, count);
  } catch (const std::exception& error) {
    fmt::print(stderr, "asleep: {}\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
