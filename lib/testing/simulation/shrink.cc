// From a history that breaks a promise to a short one that breaks the same promise.
#include <algorithm>
#include <utility>

#include "skald/testing/simulation.h"

namespace skald::inline v1 {
namespace {

class Search {
 public:
  Search(const SimulationOptions& failing, Promise promise, int tries)
      : best_(failing), promise_(promise), tries_(tries) {
    best_lines_ = Lines(failing).value_or(UINT64_MAX);
  }

  // Less of one thing at a time, until nothing helps any more.
  void Descend() {
    for (bool better = true; better && tries_ > 0;) {
      better = false;
      for (size_t knob = 0; knob < kKnobs && tries_ > 0; ++knob) better = Lower(knob) || better;
    }
  }
  // The same little world with other dice.
  void OtherSeeds() {
    for (uint64_t seed = 1; tries_ > 0; ++seed) {
      SimulationOptions other = best_;
      other.profile.seed = seed;
      Try(other, /*shorter=*/true);
    }
  }
  SimulationOptions best() && { return std::move(best_); }

 private:
  bool Lower(size_t knob) {
    const uint32_t value = best_.profile.knobs[knob];
    bool better = false;
    for (const uint32_t less : {0u, value / 4, value / 2, value - std::min(value, 1u)}) {
      if (less >= best_.profile.knobs[knob]) continue;
      SimulationOptions smaller = best_;
      smaller.profile.knobs[knob] = less;
      if (Try(smaller, /*shorter=*/false)) better = true;
    }
    return better;
  }

  // `shorter`: only a history with fewer lines will do; otherwise less of a cause is enough.
  bool Try(const SimulationOptions& other, bool shorter) {
    if (tries_-- <= 0) return false;
    const std::optional<uint64_t> lines = Lines(other);
    if (!lines || *lines > best_lines_ || (shorter && *lines == best_lines_)) return false;
    best_ = other;
    best_lines_ = *lines;
    return true;
  }

  // Of its history; nullopt where it keeps the promise.
  std::optional<uint64_t> Lines(SimulationOptions options) const {
    options.story = nullptr;
    const SimulationReport report = RunSimulation(options);
    const bool same = !report.violations.empty() && report.violations.front().promise == promise_;
    if (!same) return std::nullopt;
    return report.lines;
  }

  SimulationOptions best_;
  const Promise promise_;
  int tries_;
  uint64_t best_lines_ = 0;
};

}  // namespace

SimulationOptions Shrink(const SimulationOptions& failing, Promise promise, int tries) {
  // A third of the tries goes to other dice: what is small has few ways to go wrong.
  Search smaller(failing, promise, tries / 3);
  smaller.Descend();
  Search luckier(std::move(smaller).best(), promise, tries / 3);
  luckier.OtherSeeds();
  Search last(std::move(luckier).best(), promise, tries / 3);
  last.Descend();
  return std::move(last).best();
}

}  // namespace skald::inline v1
