// Against what the order saga's figures are drawn, and how each point is measured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "growth_results.h"

namespace skald::bench {

struct GrowthFlags {
  bool quick = false;
  std::string dir;
  double seconds = 5;  // of a run
  double warmup_seconds = 2;
  int rounds = 3;
  double most = 1e12;  // points beyond are left out
};

struct AxisSpec {
  std::string_view name;
  std::string_view what;
  std::vector<double> points;  // ascending
  std::vector<double> quick;   // in place of them
  GrowthAxis (*run)(const AxisSpec& spec, const GrowthFlags& flags);

  std::vector<double> PointsOf(const GrowthFlags& flags) const {
    std::vector<double> chosen = flags.quick ? quick : points;
    std::erase_if(chosen, [&](double x) { return x > flags.most; });
    return chosen;
  }
};

const std::vector<AxisSpec>& AxisSpecs();
// Null: there is none of this name.
const AxisSpec* FindAxis(std::string_view name);

// growth_memory.cc: what so many sagas take in memory while they wait, in it or asleep.
GrowthAxis WeighInFlight(const AxisSpec& spec, const GrowthFlags& flags);
GrowthAxis WeighAsleep(const AxisSpec& spec, const GrowthFlags& flags);

// What is being done, over the line that said what was done before.
void TellProgress(std::string_view text);

}  // namespace skald::bench
