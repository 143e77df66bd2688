// The highest floor seen of each coordinator's store: how far it is written down, and how far the
// rows below it are dropped.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/base/mutex.h"
#include "skald/participant/barrier_record.h"

namespace skald::inline v1::internal {

// A floor that somebody has undertaken to write or to drop to; nobody else does so meanwhile.
using FloorClaim = std::optional<BarrierFloor>;

// THREADS: any.
class SKALD_EXPORT Floors {
 public:
  explicit Floors(uint32_t stores_max) : stores_max_(stores_max) {}

  // As found when the barrier is opened. Rows below may be left over from before.
  void Load(const BarrierFloor& durable) SKALD_EXCLUDES(mutex_);

  // RETURNS: false when the store is a new one and there are too many.
  bool Learn(StoreId store, Incarnation floor) SKALD_EXCLUDES(mutex_);
  Incarnation Highest(StoreId store) SKALD_EXCLUDES(mutex_);

  // A claim when what was seen is at least `step` above what is written. Ends once, by EndWrite.
  FloorClaim ClaimWrite(StoreId store, uint64_t step) SKALD_EXCLUDES(mutex_);
  void EndWrite(const FloorClaim& claim, bool durable) SKALD_EXCLUDES(mutex_);
  // The same of what is written above what is dropped.
  FloorClaim ClaimDrop(StoreId store, uint64_t step) SKALD_EXCLUDES(mutex_);
  void EndDrop(const FloorClaim& claim, bool dropped) SKALD_EXCLUDES(mutex_);

  std::vector<StoreId> Stores() SKALD_EXCLUDES(mutex_);

 private:
  struct Floor {
    uint64_t seen = 0;
    uint64_t written = 0;
    uint64_t dropped = 0;
    bool writing = false;
    bool dropping = false;
  };

  const uint32_t stores_max_;
  Mutex mutex_;
  absl::flat_hash_map<uint64_t, Floor> floors_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1::internal
