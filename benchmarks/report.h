// What a run of the claims came to: as a table for people, as JSON for machines.
#pragma once

#include <string>
#include <vector>

#include "claim_table.h"
#include "contest.h"
#include "machine.h"

namespace skald::bench {

enum class Judgement : uint8_t { kMet, kNotMet, kFails };

// One row of the table of claims, judged by the median of the rounds.
struct Judged {
  const Claim* claim = nullptr;
  std::string note = {};                   // of the field, see fields.h
  std::vector<double> figures;             // a round each
  std::vector<double> ceilings;            // the same; empty without a ceiling
  std::vector<double> ratios;              // the same; without a ceiling the figures
  std::vector<std::string> problems = {};  // the same; empty where the round has a figure
  Judgement judgement = Judgement::kMet;

  double figure() const { return Median(figures); }
  double ceiling() const { return Median(ceilings); }
  double ratio() const { return Median(ratios); }
};

// REQUIRES: both ran equally many rounds. `ceiling` is null where the claim has none.
Judged Judge(const Claim& claim, const Contender& contender, const Contender* ceiling);

void PrintClaims(const std::vector<Judged>& judged, const std::vector<MissingClaim>& missing);

// All that ran, with what a claim's ratio does not show.
void PrintContenders(const std::vector<Contender>& contenders);

// {"machine", "commit", "quick", "claims": [{"id", "name", "figure", "unit", "ceiling", "ratio",
// "target", "floor", "met", "note", "runs"}], "ran": {NAME: [a run each]}}. A ceiling is {"name",
// "figure"}; it and the ratio are null where there is none, and a figure where no run had one.
// RETURNS: false, with a line on stderr, when the file cannot be written.
bool WriteJson(const std::string& path, bool quick, const Machine& machine,
               const std::vector<Judged>& judged, const std::vector<Contender>& contenders);

}  // namespace skald::bench
