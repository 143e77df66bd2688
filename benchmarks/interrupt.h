// A benchmark that is told to end takes its stores with it.
#pragma once

#include <string>

namespace skald::bench {

// From here on SIGINT, SIGTERM and SIGHUP, unless they are ignored, remove this process'
// ScratchDirs in `parent` before they end it. Call it once, early. Leaves the signal mask as it is:
// programs started from here would inherit it.
void RemoveScratchWhenInterrupted(const std::string& parent);

}  // namespace skald::bench
