// Very many calls over few keys, duplicate, reordered and late, from many threads at once; and the
// business counters that they must add up to.
#pragma once

#include <cstdint>
#include <string>

#include "skald/store/store.h"

namespace skald::testing {

struct BarrierCalls {
  uint64_t calls = 200'000;
  uint64_t keys = 2'000;
  int threads = 8;
  int restarts = 4;  // the barrier and its committer go and come back between the parts
  uint64_t seed = 1;
};

struct BarrierCallsReport {
  uint64_t done = 0;           // actions that were answered Done
  uint64_t refused = 0;        // actions that were answered Rejected in either form
  uint64_t compensated = 0;    // compensations that were answered
  uint64_t reconciled = 0;     // reconciles that were answered
  uint64_t asked_again = 0;    // calls that said RetryLater and were made again
  uint64_t keys_standing = 0;  // keys whose action stands at the end
  uint64_t keys_undone = 0;
  uint64_t keys_refused = 0;
  std::string wrong;  // what contradicts the model first; empty: nothing does
};

// COST: one commit for each key that changes something, one read for every other call.
BarrierCallsReport MakeBarrierCalls(Store& store, const BarrierCalls& options);

}  // namespace skald::testing
