// Every order of the steps of several calls of one key, through the barrier itself and a store:
// what decide_model.h does for the rules alone. A step is what nothing else can come between: a
// call is let in, reads and decides, hands over its writes; the store commits what it was handed;
// the floor is learned, is written and drops the rows below it; and once, anywhere, the process
// dies, also between a commit and its answer. Each run starts with an empty participant and repeats
// the choices of an earlier one up to the first that is left to make; a run ends early where it
// meets what an earlier one has met.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "skald/participant/decide.h"

namespace skald::testing {

struct BarrierWalk {
  size_t runs = 0, states = 0;
  std::optional<std::string> violation;  // the first found, with the steps that led there
  // How often calls ended in each way, so that a test sees that the walk went everywhere.
  size_t done = 0, rejected = 0, rejected_for_key = 0, retry_later = 0, unknown = 0;
  size_t joined = 0, conflicts = 0, lost = 0;
};

enum class WalkedStore {
  kMemory,
  kRocksDb,
  kHost,  // a RocksDB of the host's own, by HostBarrier's port
  // Planted bugs, which a walk must notice: what was read may have changed by the commit.
  kMemoryWithoutRequire,
  kHostWithoutGate,
};

// REQUIRES: at most five calls, equal ones side by side.
BarrierWalk WalkBarrier(WalkedStore store, const std::vector<BarrierVerb>& calls);

}  // namespace skald::testing
