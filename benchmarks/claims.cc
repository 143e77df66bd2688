// Measures the claims against their ceilings: turn by turn in one process, five rounds, medians.
//
//   claims [--quick] [--claim N]... [--dir DIR] [--json FILE]
//
// With --quick the runs are short, and a claim below its floor makes the run fail.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "barrier_actions.h"
#include "ceilings.h"
#include "claim_table.h"
#include "contest.h"
#include "engine.h"
#include "fmt/format.h"
#include "machine.h"
#include "report.h"

namespace skald::bench {
namespace {

struct Flags {
  bool quick = false;
  std::vector<std::string> claims;
  std::vector<std::string> only;
  int rounds = 5;
  std::string dir = std::filesystem::is_directory("build") ? "build" : ".";
  std::string json = "benchmarks/results.json";
  double seconds = 0;  // 0: by --quick
  uint32_t in_flight = 1024;
};

// Who runs in a field: ceilings first, then the engine.
std::vector<Contender> Entrants(Field field) {
  const auto engine = [](EngineRun run) {
    return [run](const RunOptions& options) { return RunClosedLoop(run, options); };
  };
  switch (field) {
    case Field::kThroughput:
      return {{"file", RunCeilingFile, {}},
              {"append", RunCeilingAppend, {}},
              {"obvious", RunCeilingObvious, {}},
              {"inline", engine({RocksDb(), Steps::kInline}), {}},
              {"pool", engine({RocksDb(), Steps::kThreadPool}), {}}};
    case Field::kAlone:
      return {{"sync", RunCeilingSync, {}},
              {"commit4", RunCeilingCommit4, {}},
              {"alone", engine({RocksDb(), Steps::kInline}), {}},
              {"alone, pool", engine({RocksDb(), Steps::kThreadPool}), {}},
              {"blocking",
               [](const RunOptions& options) {
                 return RunBlocking({RocksDb(), Steps::kThreadPool}, options);
               },
               {}}};
    case Field::kMemory:
      return {{"memory", engine({InMemory(), Steps::kInline}), {}}};
    case Field::kBarrier:
      return {{"batch", RunCeilingBatch, {}}, {"barrier", RunBarrierActions, {}}};
    case Field::kAllocations:
      return {{"allocations",
               [](const RunOptions& options) {
                 return RunCountingAllocations({InMemoryUncounted(), Steps::kInline}, options);
               },
               {}}};
  }
  return {};
}

RunOptions OptionsFor(Field field, const Flags& flags) {
  RunOptions run{.dir = flags.dir,
                 .warmup_seconds = flags.quick ? 0.5 : 3,
                 .seconds = flags.quick ? 2.0 : 15,
                 .in_flight = flags.in_flight};
  if (flags.seconds > 0) run.seconds = flags.seconds;
  if (field == Field::kAlone) run.in_flight = 1;
  // The memory store keeps all it was told: a few seconds of it are a gigabyte.
  if (field == Field::kMemory || field == Field::kAllocations) {
    run.warmup_seconds = 0.5;
    run.seconds = std::min(run.seconds, 2.0);
  }
  return run;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool Wanted(const Flags& flags, std::string_view id) {
  return flags.claims.empty() || Contains(flags.claims, id);
}

const Contender* Find(const std::vector<Contender>& contenders, std::string_view name) {
  const auto found = std::find_if(contenders.begin(), contenders.end(),
                                  [&](const Contender& one) { return one.name == name; });
  return found == contenders.end() ? nullptr : &*found;
}

std::vector<const Claim*> WantedOf(Field field, const Flags& flags) {
  std::vector<const Claim*> wanted;
  for (const Claim& claim : Claims()) {
    if (claim.field == field && Wanted(flags, claim.id)) wanted.push_back(&claim);
  }
  return wanted;
}

// Leaves out who is only told beside the claims when time is short or only some are asked for.
std::vector<Contender> Needed(Field field, const Flags& flags,
                              const std::vector<const Claim*>& wanted) {
  std::vector<Contender> entrants = Entrants(field);
  std::erase_if(entrants, [&](const Contender& one) {
    if (!flags.only.empty()) return !Contains(flags.only, one.name);
    if (flags.claims.empty() && !flags.quick) return false;
    return std::none_of(wanted.begin(), wanted.end(), [&](const Claim* claim) {
      return claim->contender == one.name || claim->ceiling == one.name;
    });
  });
  return entrants;
}

struct Outcomes {
  std::vector<Contender> contenders;
  std::vector<Judged> judged;
};

void RunField(Field field, const Flags& flags, Outcomes& outcomes) {
  const std::vector<const Claim*> wanted = WantedOf(field, flags);
  if (wanted.empty()) return;
  std::vector<Contender> contenders = Needed(field, flags, wanted);
  Compete(contenders, OptionsFor(field, flags), flags.rounds);
  for (const Claim* claim : wanted) {
    if (!flags.only.empty()) break;
    outcomes.judged.push_back(
        Judge(*claim, *Find(contenders, claim->contender), Find(contenders, claim->ceiling)));
  }
  std::move(contenders.begin(), contenders.end(), std::back_inserter(outcomes.contenders));
}

int Run(const Flags& flags) {
  const Machine machine = DescribeMachine(flags.dir);
  PrintMachine(machine);
  Outcomes outcomes;
  for (const Field field :
       {Field::kThroughput, Field::kAlone, Field::kMemory, Field::kAllocations, Field::kBarrier}) {
    RunField(field, flags, outcomes);
  }
  std::vector<MissingClaim> missing;
  for (const MissingClaim& claim : MissingClaims()) {
    if (Wanted(flags, claim.id)) missing.push_back(claim);
  }
  if (!outcomes.contenders.empty()) PrintContenders(outcomes.contenders);
  PrintClaims(outcomes.judged, missing);
  if (!WriteJson(flags.json, machine, outcomes.judged, outcomes.contenders)) return 2;
  const bool failed =
      std::any_of(outcomes.judged.begin(), outcomes.judged.end(),
                  [](const auto& row) { return row.judgement == Judgement::kFails; });
  return flags.quick && failed ? 1 : 0;
}

// What CLI11 cannot see by itself: ids that exist, a file that can be written when all has run.
std::string Problem(const Flags& flags) {
  for (const std::string& id : flags.claims) {
    const bool known =
        std::any_of(Claims().begin(), Claims().end(), [&](const Claim& c) { return c.id == id; }) ||
        std::any_of(MissingClaims().begin(), MissingClaims().end(),
                    [&](const MissingClaim& c) { return c.id == id; });
    if (!known) return fmt::format("--claim {}: there is no such claim", id);
  }
  const std::filesystem::path parent = std::filesystem::path(flags.json).parent_path();
  if (!parent.empty() && !std::filesystem::is_directory(parent)) {
    return fmt::format("--json {}: there is no directory {}; name another file", flags.json,
                       parent.string());
  }
  return {};
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Measures the claims of skald against their ceilings."};
  app.add_flag("--quick", flags.quick, "short runs; exit 1 when a claim is below its floor");
  app.add_option("--claim", flags.claims, "only this claim; may be repeated");
  app.add_option("--dir", flags.dir,
                 "where stores are made and removed: a directory on a real disk")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--only", flags.only,
                 "run only what has this name, as a profiler wants it; judge nothing");
  app.add_option("--rounds", flags.rounds, "turns of each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--json", flags.json, "where the results go")->capture_default_str();
  app.add_option("--seconds", flags.seconds, "measured time of a run, without its warm-up")
      ->check(CLI::PositiveNumber);
  app.add_option("--in-flight", flags.in_flight, "sagas kept going in claims 1, 1b, 3, 6 and 7")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (const std::string problem = Problem(flags); !problem.empty()) {
    fmt::print(stderr, "{}\n", problem);
    return 2;
  }
  return Run(flags);
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
