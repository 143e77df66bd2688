// How the figures of the order saga grow: with sagas in flight, steps, payloads, loop threads and
// finished sagas kept, each point beside the ceiling in the same configuration; and what waiting
// sagas take in memory.
//
//   growth [AXIS]... [--quick] [--dir DIR] [--json FILE] [--to DIR]
//   growth [AXIS]... --draw FILE [--to DIR]     draws what FILE holds, measures nothing
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "growth_axes.h"
#include "growth_figures.h"
#include "growth_results.h"
#include "process.h"

namespace skald::bench {
namespace {

struct Flags {
  std::vector<std::string> axes;
  GrowthFlags run{.dir = std::filesystem::is_directory("build") ? "build" : "."};
  std::string json = "benchmarks/growth.json";
  std::string draw;
  std::string to = "build/plots";

  bool Wants(std::string_view axis) const {
    return axes.empty() || std::find(axes.begin(), axes.end(), axis) != axes.end();
  }
};

int Measure(const Flags& flags) {
  CatchInterrupts();
  GrowthResults results{.machine = DescribeMachine(flags.run.dir),
                        .commit = BuildCommit(),
                        .seconds = flags.run.seconds,
                        .axes = {}};
  PrintMachine(results.machine);
  for (const AxisSpec& spec : AxisSpecs()) {
    if (!flags.Wants(spec.name)) continue;
    GrowthAxis axis = spec.run(spec, flags.run);
    TellProgress({});
    if (Interrupted()) break;
    PrintAxis(axis);
    results.axes.push_back(std::move(axis));
  }
  if (Interrupted()) fmt::print(stderr, "interrupted: only whole axes are written\n");
  if (results.axes.empty()) return kExitInterrupted;
  if (!WriteGrowth(flags.json, results)) return 2;
  fmt::print("written: {}\n", flags.json);
  if (!DrawGrowth(results, flags.to)) return 2;
  return Interrupted() ? kExitInterrupted : 0;
}

int Draw(const Flags& flags) {
  std::optional<GrowthResults> results = ReadGrowth(flags.draw);
  if (!results) return 2;
  std::erase_if(results->axes, [&](const GrowthAxis& axis) { return !flags.Wants(axis.name); });
  if (results->axes.empty()) {
    fmt::print(stderr, "--draw {}: holds none of the axes asked for\n", flags.draw);
    return 2;
  }
  return DrawGrowth(*results, flags.to) ? 0 : 2;
}

// What CLI11 cannot see by itself.
std::string Problem(const Flags& flags) {
  for (const std::string& name : flags.axes) {
    if (FindAxis(name) != nullptr) continue;
    std::string known;
    for (const AxisSpec& spec : AxisSpecs()) known += fmt::format(" {}", spec.name);
    return fmt::format("{}: there is no such axis; there are{}", name, known);
  }
  const std::filesystem::path parent = std::filesystem::path(flags.json).parent_path();
  if (flags.draw.empty() && !parent.empty() && !std::filesystem::is_directory(parent)) {
    return fmt::format("--json {}: there is no directory {}; name another file", flags.json,
                       parent.string());
  }
  return {};
}

std::string AxesHelp() {
  std::string help = "what to grow; all when none is named:";
  for (const AxisSpec& spec : AxisSpecs()) help += fmt::format("\n{} ({})", spec.name, spec.what);
  return help;
}

// What the command line says into `flags`; a number: with which code to end at once.
std::optional<int> Parse(int argc, char** argv, Flags& flags) {
  CLI::App app{"Draws how the order saga's figures grow, beside their ceilings."};
  app.add_option("axis", flags.axes, AxesHelp());
  app.add_flag("--quick", flags.run.quick, "one round of 1 s a point, and fewer of the long ones");
  CLI::Option* seconds =
      app.add_option("--seconds", flags.run.seconds, "measured time of a run, without its warm-up")
          ->check(CLI::Range(0.1, 3600.0))
          ->capture_default_str();
  CLI::Option* rounds = app.add_option("--rounds", flags.run.rounds, "turns of each at each point")
                            ->check(CLI::Range(1, 100))
                            ->capture_default_str();
  app.add_option("--most", flags.run.most, "leave out the points beyond");
  app.add_option("--dir", flags.run.dir,
                 "where stores are made and removed: a directory on a real disk")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--json", flags.json, "where the results go")->capture_default_str();
  app.add_option("--draw", flags.draw, "draw the results in this file; measure nothing")
      ->check(CLI::ExistingFile);
  app.add_option("--to", flags.to, "where the plots go")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (flags.run.quick) {
    flags.run.warmup_seconds = 0.3;
    if (seconds->empty()) flags.run.seconds = 1;
    if (rounds->empty()) flags.run.rounds = 1;
  }
  return std::nullopt;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (const std::optional<int> code = Parse(argc, argv, flags)) return *code;
  if (const std::string problem = Problem(flags); !problem.empty()) {
    fmt::print(stderr, "{}\n", problem);
    return 2;
  }
  return flags.draw.empty() ? Measure(flags) : Draw(flags);
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
