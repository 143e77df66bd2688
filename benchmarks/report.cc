#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace skald::bench {
namespace {

std::string_view Name(Judgement judgement) {
  switch (judgement) {
    case Judgement::kMet:
      return "met";
    case Judgement::kNotMet:
      return "not met";
    case Judgement::kFails:
      return "BELOW THE FLOOR";
  }
  return "?";
}

// Three digits that mean something, thousands apart.
std::string Short(double value) {
  if (!std::isfinite(value)) return "none";
  if (value < 100) return fmt::format("{:.3g}", value);
  return fmt::format("{}", fmt::group_digits(std::llround(value)));
}

std::string Limit(const Claim& claim) {
  return fmt::format("{} {}{}", claim.bound == Bound::kAtLeast ? ">=" : "<=", Short(claim.target),
                     claim.ceiling.empty() ? "" : fmt::format(" x {}", claim.ceiling));
}

nlohmann::json Runs(const Judged& row) {
  nlohmann::json runs = nlohmann::json::array();
  for (size_t round = 0; round < row.figures.size(); ++round) {
    nlohmann::json run = {{"figure", row.figures[round]}};
    if (!row.ceilings.empty()) {
      run["ceiling"] = row.ceilings[round];
      run["ratio"] = row.ratios[round];
    }
    if (!row.problems[round].empty()) run["problem"] = row.problems[round];
    runs.push_back(std::move(run));
  }
  return runs;
}

nlohmann::json ToJson(const Judged& row) {
  const Claim& claim = *row.claim;
  nlohmann::json json = {
      {"id", claim.id},         {"name", claim.name},
      {"figure", row.figure()}, {"unit", claim.unit},
      {"ceiling", nullptr},     {"ratio", nullptr},
      {"target", Limit(claim)}, {"met", row.judgement == Judgement::kMet},
      {"floor", Floor(claim)},  {"runs", Runs(row)},
  };
  if (!row.note.empty()) json["note"] = row.note;
  if (claim.ceiling.empty()) return json;
  json["ceiling"] = {{"name", claim.ceiling}, {"figure", row.ceiling()}};
  json["ratio"] = row.ratio();
  return json;
}

nlohmann::json ToJson(const Measured& run) {
  nlohmann::json json = {{"per_second", run.per_second()},
                         {"cpu_us", run.cpu_us()},
                         {"p50_us", run.latency_p50 * 1e6},
                         {"p99_us", run.latency_p99 * 1e6}};
  for (const auto& [name, value] : run.found) json[name] = value;
  if (!run.problem.empty()) json["problem"] = run.problem;
  return json;
}

// Of a round that has no figure.
double Worst(const Claim& claim) {
  return claim.bound == Bound::kAtLeast ? 0 : std::numeric_limits<double>::infinity();
}

void AddRound(Judged& row, const Measured& run, const Measured* ceiling) {
  const Claim& claim = *row.claim;
  const std::string& problem =
      run.problem.empty() && ceiling != nullptr ? ceiling->problem : run.problem;
  row.problems.push_back(problem);
  row.figures.push_back(run.problem.empty() ? claim.figure(run) : Worst(claim));
  double ratio = row.figures.back();
  if (ceiling != nullptr) {
    row.ceilings.push_back(ceiling->problem.empty() ? claim.figure(*ceiling) : Worst(claim));
    ratio /= row.ceilings.back();
  }
  row.ratios.push_back(problem.empty() ? ratio : Worst(claim));
}

// "2 of 5 rounds have no figure: …"; empty when all have one.
std::string Problems(const Judged& row) {
  const auto none = [](const std::string& problem) { return !problem.empty(); };
  const auto first = std::find_if(row.problems.begin(), row.problems.end(), none);
  if (first == row.problems.end()) return {};
  return fmt::format("{} of {} rounds have no figure: {}",
                     std::count_if(first, row.problems.end(), none), row.problems.size(), *first);
}

}  // namespace

Judged Judge(const Claim& claim, const Contender& contender, const Contender* ceiling) {
  Judged row{.claim = &claim};
  for (size_t round = 0; round < contender.rounds.size(); ++round) {
    AddRound(row, contender.rounds[round], ceiling == nullptr ? nullptr : &ceiling->rounds[round]);
  }
  if (Holds(claim.bound, row.ratio(), claim.target)) return row;
  row.judgement =
      Holds(claim.bound, row.ratio(), Floor(claim)) ? Judgement::kNotMet : Judgement::kFails;
  return row;
}

void PrintClaims(const std::vector<Judged>& judged, const std::vector<MissingClaim>& missing) {
  constexpr auto kRow = "{:<3} {:<44} {:>12} {:>7} {:>16}  {:<17} {}\n";
  fmt::print(fmt::runtime(kRow), "#", "claim", "figure", "ratio", "min - max", "target", "");
  for (const Judged& row : judged) {
    const Claim& claim = *row.claim;
    fmt::print(
        fmt::runtime(kRow), claim.id, claim.name,
        fmt::format("{} {}", Short(row.figure()), claim.unit),
        claim.ceiling.empty() ? "-" : Short(row.ratio()),
        fmt::format("{} - {}", Short(Quantile(row.ratios, 0)), Short(Quantile(row.ratios, 1))),
        Limit(claim), Name(row.judgement));
    for (const std::string& line : {row.note, Problems(row)}) {
      if (!line.empty()) fmt::print("      {}\n", line);
    }
  }
  for (const MissingClaim& claim : missing) {
    fmt::print(fmt::runtime(kRow), claim.id, claim.name, "", "", "", "", "not yet");
  }
}

void PrintContenders(const std::vector<Contender>& contenders) {
  constexpr auto kRow = "{:<14} {:>12} {:>13} {:>12} {:>12}\n";
  fmt::print(fmt::runtime(kRow), "ran (medians)", "per second", "CPU us each", "p50 us", "p99 us");
  for (const Contender& contender : contenders) {
    const auto median = [&](const auto& figure) { return Short(MedianOf(contender, figure)); };
    // One without a problem tells what there is to tell; when there is none, any will do.
    const auto good = std::find_if(contender.rounds.begin(), contender.rounds.end(),
                                   [](const Measured& run) { return run.problem.empty(); });
    const Measured& shown = good == contender.rounds.end() ? contender.rounds.front() : *good;
    const bool timed = shown.latency_p50 > 0;
    fmt::print(fmt::runtime(kRow), contender.name,
               median([](const Measured& run) { return run.per_second(); }),
               median([](const Measured& run) { return run.cpu_us(); }),
               timed ? median([](const Measured& run) { return run.latency_p50 * 1e6; }) : "",
               timed ? median([](const Measured& run) { return run.latency_p99 * 1e6; }) : "");
    for (const auto& entry : shown.found) {
      fmt::print("  {} {}\n", entry.first,
                 median([&](const Measured& run) { return run.Found(entry.first); }));
    }
  }
  fmt::print("\n");
}

bool WriteJson(const std::string& path, bool quick, const Machine& machine,
               const std::vector<Judged>& judged, const std::vector<Contender>& contenders) {
  nlohmann::json json;
  for (const auto& [name, text] : machine) json["machine"][name] = text;
  json["commit"] = BuildCommit();
  json["quick"] = quick;
  json["claims"] = nlohmann::json::array();
  for (const Judged& row : judged) json["claims"].push_back(ToJson(row));
  for (const Contender& contender : contenders) {
    for (const Measured& run : contender.rounds) json["ran"][contender.name].push_back(ToJson(run));
  }
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) fmt::print(stderr, "cannot write {}\n", path);
  return !file.fail();
}

}  // namespace skald::bench
