// Minutes at full speed: does it stay as fast, as even and as small as it began?
//
//   soak [--minutes 10] [--in-flight 1024] [--dir DIR] [--json FILE] [--to DIR] [--new-keys]
//
// A closed loop of order sagas with inline steps over RocksDB. They are forgotten ten seconds after
// their end, and their keys come back twenty seconds after they were used (a tenth and a fifth of a
// short run), so that the disk can be bounded; with --new-keys no key comes back, and the rows of
// forgotten sagas stay (docs/limitations.md). A line every ten seconds, a verdict at the end; exit
// 1 when one fails.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "plot.h"
#include "process.h"
#include "soak_report.h"
#include "soak_watch.h"
#include "traffic.h"

namespace skald::bench {
namespace {

struct Flags {
  double minutes = 10;
  uint32_t in_flight = 1024;
  bool new_keys = false;
  std::string dir = std::filesystem::is_directory("build") ? "build" : ".";
  std::string json = "benchmarks/soak.json";
  std::string to = "build/plots";

  double seconds() const { return minutes * 60; }
  // A start whose key comes back reads a row more; from the first minute on it is so for all.
  double retention_seconds() const { return std::clamp(seconds() / 10, 1.0, 10.0); }
};

// A line of blocks, as high as the values are beside `highest`.
std::string Sparkline(const std::vector<double>& values, double highest) {
  static constexpr std::array<std::string_view, 8> kBlocks = {"▁", "▂", "▃", "▄",
                                                              "▅", "▆", "▇", "█"};
  std::string line;
  for (const double value : values) {
    const double share = highest > 0 ? value / highest : 0;
    line += kBlocks[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return line;
}

// Gathers seconds and prints every ten of them as a line.
class Lines {
 public:
  void Add(const SoakSecond& second, const Histogram& latencies) {
    latencies_.Add(latencies);
    rates_.push_back(second.per_second);
    highest_ = std::max(highest_, second.per_second);
    if (rates_.size() == kSeconds) Print(second);
  }

 private:
  static constexpr size_t kSeconds = 10;

  void Print(const SoakSecond& last) {
    if (!std::exchange(titled_, true)) {
      fmt::print("{:>6} {:>9} {:>9} {:>9} {:>9} {:>11} {:>10}  {}\n", "s", "sagas/s", "p50 ms",
                 "p99 ms", "max ms", "memory MiB", "disk MiB", "each second's sagas");
    }
    double sum = 0;
    for (const double rate : rates_) sum += rate;
    constexpr double kMiB = 1 << 20;
    fmt::print("{:>6.0f} {:>9.0f} {:>9.2f} {:>9.2f} {:>9.1f} {:>11.0f} {:>10.0f}  {}\n", last.at,
               sum / static_cast<double>(rates_.size()), latencies_.Quantile(0.5) * 1e3,
               latencies_.Quantile(0.99) * 1e3, latencies_.max() * 1e3, last.resident_bytes / kMiB,
               last.disk.bytes / kMiB, Sparkline(rates_, highest_));
    std::fflush(stdout);
    rates_.clear();
    latencies_ = {};
  }

  Histogram latencies_;
  std::vector<double> rates_;
  double highest_ = 0;
  bool titled_ = false;
};

// One run: the sagas, and all that watches them.
class Run {
 public:
  explicit Run(const Flags& flags)
      : flags_(flags),
        rig_({.dir = flags.dir,
              .retention = absl::Seconds(flags.retention_seconds()),
              .observer = &notices_,
              .wrap = [this](Store& store) -> std::unique_ptr<Store> {
                return std::make_unique<TimedStore>(store, commits_);
              }}),
        traffic_(rig_.coordinator(), {.in_flight = flags.in_flight, .time_every = 1}),
        disk_(rig_.path()),
        machine_(flags.dir) {}

  void Go(Soak& soak);

 private:
  SoakSecond Look(double at, double length, const Histogram& latencies);

  const Flags& flags_;
  NoticeWatch notices_;
  Longest commits_;
  Rig rig_;
  Traffic traffic_;
  DiskWatch disk_;
  ProcessorWatch processors_;
  MachineWatch machine_;
  uint64_t finished_ = 0;
};

SoakSecond Run::Look(double at, double length, const Histogram& latencies) {
  const uint64_t before = std::exchange(finished_, traffic_.finished());
  return {.at = at,
          .per_second = static_cast<double>(finished_ - before) / length,
          .p50 = latencies.Quantile(0.5),
          .p99 = latencies.Quantile(0.99),
          .max = latencies.max(),
          .resident_bytes = static_cast<double>(ResidentBytes()),
          .disk = disk_.Look(),
          .longest_commit = commits_.Take(),
          .processors = processors_.Look(),
          .machine = machine_.Look(),
          .notices = notices_.Take()};
}

void Run::Go(Soak& soak) {
  Lines lines;
  (void)disk_.Look();
  (void)processors_.Look();
  const double cycle = 2 * flags_.retention_seconds();
  double reuse_at = cycle;
  traffic_.Start();
  const double began = NowSeconds();
  double last = 0;
  for (double next = 1; next <= soak.seconds && !Interrupted(); next += 1) {
    while (NowSeconds() - began < next && !Interrupted()) {
      traffic_.Rest(absl::Seconds(std::max(0.0, next - (NowSeconds() - began))));
    }
    const Histogram latencies = traffic_.TakeLatencies();
    const double now = NowSeconds() - began;
    soak.each.push_back(Look(now, now - std::exchange(last, now), latencies));
    lines.Add(soak.each.back(), latencies);
    if (flags_.new_keys || now < reuse_at) continue;
    traffic_.ReuseKeys();
    reuse_at += cycle;
  }
  traffic_.Stop();
  soak.found = traffic_.found();
}

int SoakIt(const Flags& flags) {
  CatchInterrupts();
  Soak soak{.machine = DescribeMachine(flags.dir),
            .commit = BuildCommit(),
            .seconds = std::floor(flags.seconds()),
            .in_flight = flags.in_flight,
            .retention_seconds = flags.retention_seconds(),
            .new_keys = flags.new_keys,
            .each = {}};
  PrintMachine(soak.machine);
  Run(flags).Go(soak);
  if (Interrupted()) {
    fmt::print(stderr, "interrupted after {} s: nothing is judged or written\n", soak.each.size());
    return kExitInterrupted;
  }
  PrintVerdict(soak);
  const bool written = WriteSoak(flags.json, soak);
  if (!DrawSoak(flags.to, soak) || !written) return 2;
  const std::vector<SoakJudgement> judged = JudgeSoak(soak);
  const bool met = std::all_of(judged.begin(), judged.end(),
                               [](const SoakJudgement& judgement) { return judgement.met(); });
  return met ? 0 : 1;
}

// What the command line says into `flags`; a number: with which code to end at once.
std::optional<int> Parse(int argc, char** argv, Flags& flags) {
  CLI::App app{"Runs order sagas at full speed for minutes, and judges whether it stays so."};
  app.add_option("--minutes", flags.minutes, "how long")
      ->check(CLI::Range(0.5, 24.0 * 60))
      ->capture_default_str();
  app.add_option("--in-flight", flags.in_flight, "sagas at any time")
      ->check(CLI::Range(1, 1 << 17))
      ->capture_default_str();
  app.add_flag("--new-keys", flags.new_keys, "no key comes back; the disk is not bounded then");
  app.add_option("--dir", flags.dir, "where the store is made and removed: on a real disk")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--json", flags.json, "where the results go")->capture_default_str();
  app.add_option("--to", flags.to, "where the plot goes")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const std::filesystem::path parent = std::filesystem::path(flags.json).parent_path();
  if (parent.empty() || std::filesystem::is_directory(parent)) return std::nullopt;
  fmt::print(stderr, "--json {}: there is no directory {}; name another file\n", flags.json,
             parent.string());
  return 2;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (const std::optional<int> code = Parse(argc, argv, flags)) return *code;
  return SoakIt(flags);
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
