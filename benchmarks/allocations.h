// Counts calls of operator new in the whole process, while told to. Linking allocations.cc replaces
// the global operators; while nothing is counted they cost one predictable branch more.
#pragma once

#include <cstdint>

namespace skald::bench {

// Begins anew at 0.
void CountAllocations();
// RETURNS: the calls since CountAllocations, but those under an UncountedScope; stops counting.
uint64_t CountedAllocations();

// What this thread allocates while it lives is not counted. May be nested.
class UncountedScope {
 public:
  UncountedScope();
  ~UncountedScope();
  UncountedScope(const UncountedScope&) = delete;
  UncountedScope& operator=(const UncountedScope&) = delete;
};

}  // namespace skald::bench
