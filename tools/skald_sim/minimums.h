// What a run over many seeds must have met at least: a fault that never happens proves nothing.
#pragma once

#include <string>
#include <vector>

#include "runner.h"

namespace skald_sim {

// RETURNS: a line for each counter and promise that is below its minimum. Few seeds are not judged.
std::vector<std::string> BelowMinimum(const Totals& totals);
// From this many seeds on the minimums hold.
inline constexpr uint64_t kSeedsToJudge = 1000;

}  // namespace skald_sim
