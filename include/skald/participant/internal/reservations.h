// Which calls are in process: one of a key and verb runs, equal ones wait for its answer. A
// reservation is no lock: nothing is held while user code runs, and the transaction alone decides
// what is true.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "skald/base/export.h"
#include "skald/base/mutex.h"
#include "skald/participant/barrier_request.h"
#include "skald/participant/internal/barrier_inl.h"

namespace skald::inline v1::internal {

// THREADS: any.
class SKALD_EXPORT Reservations {
 public:
  enum class Entered : uint8_t {
    kRun,           // the caller runs, and leaves afterwards
    kWaits,         // `done` was taken and will be called
    kFull,          // too many wait already; `done` is untouched
    kOtherRequest,  // the key is in process for another request; `done` is untouched
  };

  explicit Reservations(uint32_t waiters_max) : waiters_max_(waiters_max) {}

  Entered Enter(BarrierVerb verb, const BarrierRequest& request, BarrierDone& done)
      SKALD_EXCLUDES(mutex_);
  // Frees the key for the verb and gives those who wait for the answer.
  [[nodiscard]] std::vector<BarrierDone> Leave(BarrierVerb verb, const EffectKey& key)
      SKALD_EXCLUDES(mutex_);
  // The lowest incarnation of `store` that is in process; nullopt when there is none.
  std::optional<Incarnation> Lowest(StoreId store) SKALD_EXCLUDES(mutex_);
  size_t size() SKALD_EXCLUDES(mutex_);

 private:
  using Key = std::pair<EffectKey, BarrierVerb>;
  struct Entry {
    Hash128 fingerprint;
    std::vector<BarrierDone> waiters;
  };

  const uint32_t waiters_max_;
  Mutex mutex_;
  absl::flat_hash_map<Key, Entry> entries_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1::internal
