// What a long run asks of its own process: whether somebody wants it to end, and how large it is.
#pragma once

#include <cstdint>

namespace skald::bench {

// From now on the first Ctrl-C or SIGTERM only asks, so that the run ends at its next look and
// removes its stores; a second one ends the process at once.
void CatchInterrupts();
// Whether one came.
bool Interrupted();

inline constexpr int kExitInterrupted = 130;

// Memory that is in use, not what is reserved.
uint64_t ResidentBytes();
// The same after giving back what the allocator only keeps: for differences.
uint64_t TrimmedResidentBytes();

}  // namespace skald::bench
