// skald_sim: runs the simulator over seeds, and tells the story of the first that breaks a promise.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "definition_file.h"
#include "minimums.h"
#include "runner.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/strings.h"

namespace {

using skald::SimulationOptions;
using skald::SimulationReport;

constexpr int kKept = 0;
constexpr int kBroken = 1;
constexpr int kBadUse = 2;
constexpr int kShrinkTries = 600;

struct Flags {
  uint64_t seed = 0;
  std::string seeds;
  double minutes = 0;
  std::string definition;
  std::string profile;
  std::string save = "tests/sim/regressions";
  bool story = false;
  bool twice = false;
  bool no_shrink = false;
  std::string plant;
  bool list_bugs = false;
};

void PrintLine(std::string_view line) {
  fmt::print("{}\n", line);
}

void PrintBroken(const SimulationReport& report) {
  for (const skald::Violation& violation : report.violations) {
    fmt::print("BROKEN {}: {}\n", skald::ToString(violation.promise), violation.what);
  }
}

void PrintTotals(const skald_sim::Totals& totals) {
  fmt::print("{:<34} {:>12}\n", "what happened", "times");
  for (const auto& [what, count] : totals.counters) fmt::print("{:<34} {:>12}\n", what, count);
  fmt::print("\n{:<34} {:>12}\n", "promise", "checked");
  for (size_t i = 0; i < skald::kPromises; ++i) {
    fmt::print("{:<34} {:>12}\n", skald::ToString(static_cast<skald::Promise>(i)),
               totals.checks[i]);
  }
}

// The shortest history found, told and kept.
int Explain(SimulationOptions failing, const Flags& flags, const skald::Violation& violation) {
  fmt::print("seed {} broke a promise: {}: {}\n", failing.profile.seed,
             skald::ToString(violation.promise), violation.what);
  if (!flags.no_shrink) {
    fmt::print("looking for a shorter history, {} tries\n", kShrinkTries);
    failing = skald::Shrink(failing, violation.promise, kShrinkTries);
  }
  failing.story = PrintLine;
  const SimulationReport report = skald::RunSimulation(failing);
  PrintBroken(report);
  const std::string text = skald::ToText(failing.profile);
  fmt::print("\nthe profile of this history:\n{}", text);
  const std::string path = fmt::format("{}/seed-{}-{}.profile", flags.save, failing.profile.seed,
                                       report.trace_hash % 100'000);
  std::ofstream file(path);
  file << "# " << skald::ToString(violation.promise) << ": " << violation.what << "\n" << text;
  const bool written = file.good();
  fmt::print("{} {}{}\n", written ? "kept as" : "could not write", path,
             written ? "; run it again with --profile" : "");
  return kBroken;
}

int RunOne(const SimulationOptions& options, const Flags& flags) {
  SimulationOptions one = options;
  if (flags.story) one.story = PrintLine;
  const SimulationReport report = skald::RunSimulation(one);
  if (flags.story) PrintBroken(report);
  fmt::print("seed {}: {} lines, hash {:016x}, {}\n", report.seed, report.lines, report.trace_hash,
             report.violations.empty() ? "every promise kept" : "a promise broken");
  if (report.violations.empty()) return kKept;
  return flags.story ? kBroken : Explain(options, flags, report.violations.front());
}

int RunMany(const skald_sim::RunnerOptions& options, const Flags& flags) {
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration begin = clock.Boot();
  const skald_sim::Totals totals = skald_sim::RunSeeds(options);
  const double seconds = absl::ToDoubleSeconds(clock.Boot() - begin);
  PrintTotals(totals);
  fmt::print("\n{} seeds, {} lines of history, {:.1f} s, {:.1f} seeds/s\n", totals.seeds,
             totals.lines, seconds, static_cast<double>(totals.seeds) / seconds);
  if (options.twice && !totals.two_histories) fmt::print("each seed twice, with equal hashes\n");
  if (totals.two_histories) {
    fmt::print("seed {} gave two histories\n", *totals.two_histories);
    return kBroken;
  }
  if (totals.failed) {
    return Explain(
        {.profile = skald::ProfileOf(totals.failed->seed), .definitions = options.definitions},
        flags, totals.failed->violations.front());
  }
  if (totals.seeds == 0) {
    fmt::print("no seed was run\n");
    return kBroken;
  }
  const auto below =
      options.definitions.empty() ? skald_sim::BelowMinimum(totals) : std::vector<std::string>();
  for (const std::string& line : below) fmt::print("too seldom: {}\n", line);
  fmt::print("{}\n", below.empty() ? "every promise kept" : "some of it happened too seldom");
  return below.empty() ? kKept : kBroken;
}

bool ParseSeeds(const std::string& text, skald_sim::RunnerOptions& options) {
  char dots[3] = {};
  std::istringstream in(text);
  in >> options.first >> dots[0] >> dots[1] >> options.last;
  return !in.fail() && in.peek() == EOF && dots[0] == '.' && dots[1] == '.' &&
         options.first <= options.last;
}

int Complain(std::string_view why) {
  fmt::print(stderr, "skald_sim: {}\n", why);
  return kBadUse;
}

int RunProfile(const std::string& path, SimulationOptions options, const Flags& flags) {
  std::ifstream file(path);
  if (!file) return Complain(fmt::format("'{}' cannot be opened", path));
  std::stringstream text;
  text << file.rdbuf();
  const auto profile = skald::ParseProfile(text.str());
  if (!profile.ok()) return Complain(skald::ToStd(profile.status().message()));
  options.profile = *profile;
  return RunOne(options, flags);
}

// RETURNS: whether the bug is there to be planted.
bool Plant([[maybe_unused]] const std::string& name) {
#if defined(SKALD_SABOTAGE)
  const auto& names = skald::internal::kSabotageNames;
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return false;
  skald::internal::planted = static_cast<skald::internal::Sabotage>(at - names.begin());
  return true;
#else
  return false;
#endif
}

int Run(const Flags& flags) {
  skald_sim::RunnerOptions options;
  if (flags.list_bugs) {
    for (const std::string_view name : skald::internal::kSabotageNames) {
      if (name != "none") fmt::print("{}\n", name);
    }
    return kKept;
  }
  if (!flags.plant.empty() && !Plant(flags.plant)) {
    return Complain(
        fmt::format("there is no bug '{}' to be planted in this build; --list-bugs "
                    "lists them, the Meson option 'sabotage' builds them in",
                    flags.plant));
  }
  if (!flags.plant.empty()) options.threads = 1;  // the first seed that finds it
  options.twice = flags.twice;
  options.progress = ::isatty(STDERR_FILENO) != 0;
  if (!flags.definition.empty()) {
    const auto saga = skald_sim::ReadDefinition(flags.definition);
    if (!saga.ok()) return Complain(skald::ToStd(saga.status().message()));
    options.definitions.push_back(*saga);
  }
  if (!flags.profile.empty()) {
    return RunProfile(flags.profile, {.definitions = options.definitions}, flags);
  }
  if (flags.seed != 0) {
    return RunOne({.profile = skald::ProfileOf(flags.seed), .definitions = options.definitions},
                  flags);
  }
  if (flags.minutes > 0) {
    options.last = UINT64_MAX - 1;
    options.time_max = absl::Minutes(flags.minutes);
  } else if (!ParseSeeds(flags.seeds, options)) {
    return Complain(fmt::format("'{}' is no range of seeds; 1..1000 is", flags.seeds));
  }
  return RunMany(options, flags);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  flags.seeds = "1..200";
  CLI::App app(
      "Runs simulated histories of sagas with every fault there is, and checks every promise at "
      "every step. Exit code: 0 all kept, 1 one broken or too little met, 2 wrong use.");
  app.add_option("--seed", flags.seed, "one seed");
  app.add_option("--seeds", flags.seeds, "A..B; without any of these 1..200");
  app.add_option("--minutes", flags.minutes, "as many seeds as fit")
      ->check(CLI::Range(0.01, 100'000.0));
  app.add_option("--profile", flags.profile, "a history that was kept");
  app.add_option("--definition", flags.definition, "a JSON file, instead of random definitions");
  app.add_option("--save", flags.save, "where the shortest failing history is kept")->take_last();
  app.add_flag("--story", flags.story, "with --seed or --profile: tells the history, line by line");
  app.add_flag("--twice", flags.twice, "every seed twice: the histories must be equal");
  app.add_option("--plant", flags.plant, "a bug, in a build that has them");
  app.add_flag("--list-bugs", flags.list_bugs, "the bugs that can be planted");
  app.add_flag("--no-shrink", flags.no_shrink, "tells the failing history as it is");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kKept : kBadUse;
  }
  return Run(flags);
}
