// Runs many seeds at once, adds up what happened, and stops at the first that breaks a promise.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "skald/testing/simulation.h"

namespace skald_sim {

struct RunnerOptions {
  uint64_t first = 1;
  uint64_t last = 1;  // inclusive
  absl::Duration time_max = absl::InfiniteDuration();
  size_t threads = 2;
  bool twice = false;  // every seed again, and the hashes compared
  bool progress = false;
  std::vector<skald::SimulatedDefinition> definitions;
};

struct Totals {
  uint64_t seeds = 0;
  uint64_t lines = 0;
  absl::btree_map<std::string, uint64_t> counters;
  std::array<uint64_t, skald::kPromises> checks{};
  std::optional<skald::SimulationReport> failed;  // the lowest seed that broke a promise
  std::optional<uint64_t> two_histories;          // a seed that gave two
};

Totals RunSeeds(const RunnerOptions& options);

}  // namespace skald_sim
