// What can be set of a barrier, over whatever its rows are kept in.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

struct BarrierOptions {
  // Tells several barriers in one store apart: part of every row key. Persisted; 1 to 32 characters
  // of [a-z0-9-_.].
  std::string name = "barrier";
  // Each time the floor of a coordinator's store has risen by so many incarnations, it is written
  // down with the change of that call, and a later call drops all rows below it, as one range.
  // Until then they take space; after a crash the barrier may remember a floor lower by less than
  // this, and what lies between is still guarded by its rows.
  uint64_t floor_step = 4096;
  // How often a function runs again in one call because rows that it read had changed. Beyond it:
  // RetryLater. Each time somebody else's call got through, so it is large for hot rows.
  uint32_t conflicts_max = 1000;
  // Equal calls that may wait for one that is in process. Beyond it: RetryLater at once.
  uint32_t waiters_max = 64;
  // Coordinators' stores whose floors are remembered: each costs some 100 bytes. Beyond it:
  // RetryLater.
  uint32_t stores_max = 4096;
};

namespace internal {
// RETURNS: InvalidArgument, saying which option makes no sense.
SKALD_EXPORT absl::Status CheckOptions(const BarrierOptions& options);
}  // namespace internal

}  // namespace skald::inline v1
