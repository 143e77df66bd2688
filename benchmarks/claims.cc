// Measures the claims against their ceilings: turn by turn in one process, five rounds, medians.
//
//   claims [--quick] [--claim N]... [--dir DIR] [--json FILE]
//
// With --quick the rounds are fewer and short, and a claim below its floor makes the run fail, once
// longer runs have confirmed it.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "claim_table.h"
#include "contest.h"
#include "fields.h"
#include "fmt/format.h"
#include "interrupt.h"
#include "machine.h"
#include "report.h"

namespace skald::bench {
namespace {

constexpr int kRounds = 5;
constexpr int kQuickRounds = 3;
constexpr double kAgainSeconds = 5;

struct Flags {
  bool quick = false;
  std::vector<std::string> claims;
  std::vector<std::string> only;
  int rounds = 0;  // 0: by --quick
  std::string dir = std::filesystem::is_directory("build") ? "build" : ".";
  std::string json = "benchmarks/results.json";
  double seconds = 0;  // 0: by --quick
  uint32_t in_flight = 1024;
  std::string orders;
};

int RoundsOf(const Flags& flags) {
  if (flags.rounds > 0) return flags.rounds;
  return flags.quick ? kQuickRounds : kRounds;
}

FieldPlan PlanFor(const Flags& flags) {
  FieldPlan plan{.quick = flags.quick,
                 .run = {.dir = flags.dir,
                         .warmup_seconds = flags.quick ? 0.5 : 3,
                         .seconds = flags.quick ? 2.0 : 15,
                         .in_flight = flags.in_flight}};
  plan.orders = flags.orders;
  if (flags.seconds > 0) plan.run.seconds = flags.seconds;
  return plan;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool Wanted(const Flags& flags, std::string_view id) {
  return flags.claims.empty() || Contains(flags.claims, id);
}

// Null for the empty name only.
template <typename Contenders>
auto* Find(Contenders& contenders, std::string_view name) {
  const auto found = std::find_if(contenders.begin(), contenders.end(),
                                  [&](const Contender& one) { return one.name == name; });
  if (found == contenders.end() && !name.empty()) {
    Die(fmt::format("a claim names {}, which its field does not have", name));
  }
  return found == contenders.end() ? nullptr : &*found;
}

std::vector<const Claim*> WantedOf(const Field& field, const Flags& flags) {
  std::vector<const Claim*> wanted;
  for (const Claim& claim : Claims()) {
    if (claim.field == field.name && Wanted(flags, claim.id)) wanted.push_back(&claim);
  }
  return wanted;
}

void LeaveOutUnnamed(std::vector<Contender>& entrants, const std::vector<const Claim*>& claims) {
  std::erase_if(entrants, [&](const Contender& one) {
    return std::none_of(claims.begin(), claims.end(), [&](const Claim* claim) {
      return claim->contender == one.name || claim->ceiling == one.name;
    });
  });
}

// Leaves out who is only told beside the claims when time is short or only some are asked for.
void LeaveOut(std::vector<Contender>& entrants, const Flags& flags,
              const std::vector<const Claim*>& wanted) {
  if (flags.only.empty()) {
    if (flags.quick || !flags.claims.empty()) LeaveOutUnnamed(entrants, wanted);
    return;
  }
  std::erase_if(entrants, [&](const Contender& one) { return !Contains(flags.only, one.name); });
}

struct Outcomes {
  std::vector<Contender> contenders;
  std::vector<Judged> judged;
};

void JudgeField(const std::vector<const Claim*>& claims, const std::vector<Contender>& contenders,
                const std::string& note, std::vector<Judged>& judged) {
  for (const Claim* claim : claims) {
    judged.push_back(
        Judge(*claim, *Find(contenders, claim->contender), Find(contenders, claim->ceiling)));
    judged.back().note = note;
  }
}

bool Fails(const Judged& row) {
  return row.judgement == Judgement::kFails;
}

// Short runs on a busy machine say little: who is below the floor runs again, for longer, and is
// judged by that.
void RunFailedAgain(FieldPlan plan, const Flags& flags, std::vector<Contender>& contenders,
                    std::vector<Judged>& judged) {
  std::vector<const Claim*> failed;
  for (const Judged& row : judged) {
    if (Fails(row)) failed.push_back(row.claim);
  }
  if (failed.empty()) return;
  std::erase_if(judged, Fails);
  const int rounds = std::max(kRounds, flags.rounds);
  plan.run.seconds = std::min(std::max(kAgainSeconds, plan.run.seconds), plan.seconds_max);
  const std::string why = fmt::format(
      "short runs were below the floor: judged by {} rounds of {} s", rounds, plan.run.seconds);
  fmt::print(stderr, "claim {}: {}\n", failed.front()->id, why);
  std::vector<Contender> again = contenders;
  LeaveOutUnnamed(again, failed);
  for (Contender& one : again) one.rounds.clear();
  Compete(again, plan.run, rounds);
  JudgeField(failed, again, plan.note.empty() ? why : plan.note + "; " + why, judged);
  for (Contender& one : again) *Find(contenders, one.name) = one;
}

void RunField(const Field& field, const Flags& flags, Outcomes& outcomes) {
  const std::vector<const Claim*> wanted = WantedOf(field, flags);
  if (wanted.empty()) return;
  FieldPlan plan = PlanFor(flags);
  std::vector<Contender> contenders = field.enter(plan);
  LeaveOut(contenders, flags, wanted);
  plan.run.seconds = std::min(plan.run.seconds, plan.seconds_max);
  Compete(contenders, plan.run, RoundsOf(flags));
  if (flags.only.empty()) {
    std::vector<Judged> judged;
    JudgeField(wanted, contenders, plan.note, judged);
    if (flags.quick) RunFailedAgain(plan, flags, contenders, judged);
    std::move(judged.begin(), judged.end(), std::back_inserter(outcomes.judged));
  }
  for (Contender& contender : contenders) contender.run = nullptr;  // what they share goes with it
  std::move(contenders.begin(), contenders.end(), std::back_inserter(outcomes.contenders));
}

bool HasField(const Claim& claim) {
  return std::any_of(Fields().begin(), Fields().end(),
                     [&](const Field& field) { return field.name == claim.field; });
}

int Run(const Flags& flags) {
  for (const Claim& claim : Claims()) {
    if (!HasField(claim)) Die(fmt::format("claim {}: there is no field {}", claim.id, claim.field));
  }
  const Machine machine = DescribeMachine(flags.dir);
  PrintMachine(machine);
  Outcomes outcomes;
  for (const Field& field : Fields()) RunField(field, flags, outcomes);
  std::vector<MissingClaim> missing;
  for (const MissingClaim& claim : MissingClaims()) {
    if (Wanted(flags, claim.id)) missing.push_back(claim);
  }
  if (!outcomes.contenders.empty()) PrintContenders(outcomes.contenders);
  std::sort(outcomes.judged.begin(), outcomes.judged.end(),
            [](const Judged& a, const Judged& b) { return a.claim < b.claim; });
  PrintClaims(outcomes.judged, missing);
  if (!WriteJson(flags.json, flags.quick, machine, outcomes.judged, outcomes.contenders)) return 2;
  const bool failed = std::any_of(outcomes.judged.begin(), outcomes.judged.end(), Fails);
  return flags.quick && failed ? 1 : 0;
}

// What CLI11 cannot see by itself: ids that exist, a file that can be written when all has run.
std::string Problem(const Flags& flags) {
  for (const std::string& id : flags.claims) {
    const bool known =
        std::any_of(Claims().begin(), Claims().end(), [&](const Claim& c) { return c.id == id; }) ||
        std::any_of(MissingClaims().begin(), MissingClaims().end(),
                    [&](const MissingClaim& c) { return c.id == id; });
    if (!known)
      return fmt::format("--claim {}: there is no such claim; there are 1 to 15 and 1b", id);
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
  app.add_flag("--quick", flags.quick,
               "short runs on little data; exit 1 when a claim stays below its floor");
  app.add_option("--claim", flags.claims, "only this claim, as 1b; may be repeated");
  app.add_option("--dir", flags.dir,
                 "where stores are made and removed: a directory on a real disk")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--only", flags.only,
                 "run only what has this name, as a profiler wants it; judge nothing");
  app.add_option("--rounds", flags.rounds,
                 fmt::format("turns of each: {}, {} with --quick", kRounds, kQuickRounds))
      ->check(CLI::Range(1, 1000));
  app.add_option("--json", flags.json, "where the results go")->capture_default_str();
  app.add_option("--seconds", flags.seconds, "measured time of a run, without its warm-up")
      ->check(CLI::PositiveNumber);
  app.add_option("--in-flight", flags.in_flight,
                 "sagas, or calls, kept going where a claim does not say how many")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--orders", flags.orders,
                 "claim 15 places this log, as order_flow --orders does; instead of drawn orders")
      ->check(CLI::ExistingFile);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const std::string problem = Problem(flags); !problem.empty()) {
    fmt::print(stderr, "{}\n", problem);
    return 2;
  }
  RemoveScratchWhenInterrupted(flags.dir);
  return Run(flags);
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
