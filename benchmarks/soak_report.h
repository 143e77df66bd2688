// A long run, told and drawn.
#pragma once

#include <string>

#include "soak_judge.h"

namespace skald::bench {

void PrintVerdict(const Soak& soak);
// Both: false, and a line on stderr, when it cannot be written.
bool WriteSoak(const std::string& path, const Soak& soak);
bool DrawSoak(const std::string& dir, const Soak& soak);

}  // namespace skald::bench
