#include "trace.h"

#include <utility>

#include "skald/base/hash.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {

void Trace::Count(std::string_view what, uint64_t by) {
  const auto found = counters_.find(ToAbsl(what));
  if (found != counters_.end()) {
    found->second += by;
    return;
  }
  counters_.emplace(std::string(what), by);
}

void Trace::Add(std::string_view line) {
  SipHasher hasher(hash_, lines_, /*wide=*/false);
  hasher.Append(line);
  hash_ = hasher.Finish().low;
  ++lines_;
  if (story_) story_(fmt::format("{:>5}  {}", lines_, line));
}

SimulationReport ReportOf(uint64_t seed, Trace& trace, const Oracle& oracle) {
  SimulationReport report;
  report.seed = seed;
  report.trace_hash = trace.hash();
  report.lines = trace.lines();
  report.violations = oracle.violations();
  report.checks = oracle.checks();
  report.counters = std::move(trace.counters());
  return report;
}

}  // namespace skald::inline v1::internal
