// The order saga through the whole library: a closed loop that keeps so many sagas in flight and
// starts a new one from each one's end, and a host that runs them one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "measure.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/store.h"

namespace skald::bench {

enum class Steps {
  kInline,
  kThreadPool,
  kInlineRefusing,  // inline; every tenth saga is refused at step 3 and compensates
};

// Opens a store in an empty directory.
using StoreFactory = std::function<std::unique_ptr<Store>(const std::string& dir)>;

StoreFactory RocksDb();
StoreFactory InMemory();
// In memory, too; what the store itself allocates is not counted (see allocations.h).
StoreFactory InMemoryUncounted();

struct EngineRun {
  StoreFactory store;
  Steps steps = Steps::kInline;
};

// options.in_flight sagas at any time, driven by callbacks. Times some of them from start to end.
// Ends the process when a saga does not end as its steps want it.
Measured RunClosedLoop(const EngineRun& engine, const RunOptions& options);

// The same over a coordinator that is open and knows kPlaceOrder; keys are numbered from `first`.
Measured RunClosedLoopOn(Coordinator& coordinator, const RunOptions& options, uint64_t first);

// The same, and counts allocations a saga within the window.
Measured RunCountingAllocations(const EngineRun& engine, const RunOptions& options);

// 70 % of what a closed loop has reached directly before, as an open loop (see open_loop.h); each
// over a store of its own, for as long as the options say.
Measured RunOpenLoop(const EngineRun& engine, const RunOptions& options);

// One thread calls Start and Await, and again: what a host sees that has nothing else to do.
Measured RunBlocking(const EngineRun& engine, const RunOptions& options);

}  // namespace skald::bench
