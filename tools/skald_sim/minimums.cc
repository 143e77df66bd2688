#include "minimums.h"

#include <fmt/core.h>

namespace skald_sim {
namespace {

// In a thousand seeds.
struct Minimum {
  const char* counter;
  uint64_t least;
};

constexpr Minimum kMinimums[] = {
    {"open", 1000},
};
constexpr uint64_t kChecksOfEachPromise = 1000;

}  // namespace

std::vector<std::string> BelowMinimum(const Totals& totals) {
  std::vector<std::string> below;
  if (totals.seeds < kSeedsToJudge) return below;
  const double scale = static_cast<double>(totals.seeds) / 1000;
  const auto judge = [&](std::string_view what, uint64_t seen, uint64_t least) {
    if (static_cast<double>(seen) >= static_cast<double>(least) * scale) return;
    below.push_back(fmt::format("'{}' happened {} times in {} seeds; {} in a thousand are wanted",
                                what, seen, totals.seeds, least));
  };
  for (const Minimum& minimum : kMinimums) {
    const auto found = totals.counters.find(minimum.counter);
    judge(minimum.counter, found == totals.counters.end() ? 0 : found->second, minimum.least);
  }
  for (size_t i = 0; i < skald::kPromises; ++i) {
    judge(skald::ToString(static_cast<skald::Promise>(i)), totals.checks[i], kChecksOfEachPromise);
  }
  return below;
}

}  // namespace skald_sim
