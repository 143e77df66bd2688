#include "minimums.h"

#include <fmt/core.h>

namespace skald_sim {
namespace {

// In a thousand seeds; about a third of what is usual, so that only a change of the simulator can
// bring it below.
struct Minimum {
  const char* what;
  uint64_t least;
};

constexpr Minimum kCounters[] = {
    // crashes, by place
    {"died after a step", 50},
    {"died after acquire", 50},
    {"died after commit", 80},
    {"died after drop", 4},
    {"died after get", 80},
    {"died after scan", 50},
    {"died an open that failed", 200},
    {"died before a step", 50},
    {"died before a verb's answer", 4},
    {"died before acquire", 50},
    {"died before an answer", 50},
    {"died before an outcome", 25},
    {"died before commit", 90},
    {"died before drop", 4},
    {"died before get", 80},
    {"died before scan", 50},
    {"died between two events", 80},
    {"died inside an effect", 10},
    {"orderly shutdown", 100},
    {"unsynced dropped", 400},
    {"unsynced kept", 400},
    {"unsynced torn", 400},
    {"open", 1500},
    {"open failed", 400},
    {"takeover", 300},
    {"stale commit refused", 100},
    {"verdict in a stale process", 200},
    // faults of disks, calls, clocks and people
    {"fault answer lost", 1200},
    {"fault clock step", 250},
    {"fault commit after", 1000},
    {"fault commit before", 1000},
    {"fault commit later", 700},
    {"fault definition missing", 80},
    {"fault disk full", 1800},
    {"fault duplicate", 800},
    {"fault executor full", 1200},
    {"fault hang", 350},
    {"fault output too big", 180},
    {"fault remote outage", 180},
    {"fault request lost", 1000},
    {"fault slow", 1800},
    {"fault slow disk", 8000},
    {"fault step throws", 400},
    {"fault store call", 600},
    {"fault time leap refused", 25},
    {"asked with poison", 200},
    {"asked what must be refused", 250},
    {"asked with a deadline", 500},
    {"other input ALREADY_EXISTS", 250},
    {"start existed", 3500},
    {"start RESOURCE_EXHAUSTED", 400},
    // what came of it
    {"verdict Done", 20'000},
    {"verdict Rejected", 1000},
    {"verdict RejectedForKey", 250},
    {"verdict RetryLater", 800},
    {"verdict Unknown", 5000},
    {"sent compensation", 3000},
    {"sent reconcile", 250},
    {"undone with output", 1300},
    {"undone without output", 1500},
    {"sent for an item", 2000},
    {"sent in a part", 1000},
    {"started by a step", 200},
    {"signal OK", 150},
    {"signal FAILED_PRECONDITION", 300},
    {"signal UNAVAILABLE", 100},
    {"undone with a signal", 10},
    {"undone without a signal", 15},
    {"woken", 700},
    {"asleep at an end", 300},
    {"Cancel OK", 200},
    {"Retry OK", 700},
    {"SupplyOutput OK", 60},
    {"MarkNotDone OK", 60},
    {"Abandon OK", 100},
    {"end Completed", 7000},
    {"end Compensated", 2000},
    {"end Abandoned", 100},
    // the office: outbox, lease, ids
    {"office change", 6000},
    {"office change overtaken", 10},
    {"office clerk died", 1200},
    {"office clerk paused", 300},
    {"office clock step", 250},
    {"office confirmation lost", 700},
    {"office died at a commit", 30},
    {"office guard refused", 2400},
    {"office guarded write", 1200},
    {"office guarded write refused", 80},
    {"office id", 10'000},
    {"office ids refused", 4000},
    {"office message known", 1500},
    {"office message lost", 270},
    {"office message taken", 7000},
    {"office refused for good", 340},
    {"office retried", 300},
};

constexpr Minimum kPromises[] = {
    {"acknowledged", 150'000},  {"end", 100'000},     {"effect", 200'000},   {"one owner", 100},
    {"time", 30'000},           {"liveness", 30'000}, {"isolation", 10'000}, {"bounds", 900},
    {"durable first", 150'000}, {"direction", 1300},  {"identity", 60'000},
};
static_assert(std::size(kPromises) == skald::kPromises);

}  // namespace

std::vector<std::string> BelowMinimum(const Totals& totals) {
  std::vector<std::string> below;
  if (totals.seeds < kSeedsToJudge) return below;
  const double thousands = static_cast<double>(totals.seeds) / 1000;
  const auto judge = [&](std::string_view what, uint64_t seen, uint64_t least) {
    if (static_cast<double>(seen) >= static_cast<double>(least) * thousands) return;
    below.push_back(fmt::format("'{}' happened {} times in {} seeds; {} in a thousand are wanted",
                                what, seen, totals.seeds, least));
  };
  for (const Minimum& minimum : kCounters) {
    const auto found = totals.counters.find(minimum.what);
    judge(minimum.what, found == totals.counters.end() ? 0 : found->second, minimum.least);
  }
  for (size_t i = 0; i < skald::kPromises; ++i) {
    const std::string_view name = skald::ToString(static_cast<skald::Promise>(i));
    for (const Minimum& minimum : kPromises) {
      if (name == minimum.what) judge(name, totals.checks[i], minimum.least);
    }
  }
  return below;
}

}  // namespace skald_sim
