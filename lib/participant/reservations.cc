#include "skald/participant/internal/reservations.h"

#include <algorithm>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1::internal {

Reservations::Entered Reservations::Enter(BarrierVerb verb, const BarrierRequest& request,
                                          BarrierDone& done) {
  MutexLock lock(mutex_);
  const auto [at, inserted] = entries_.try_emplace(Key(request.key, verb));
  Entry& entry = at->second;
  if (inserted) {
    entry.fingerprint = request.fingerprint;
    return Entered::kRun;
  }
  if (entry.fingerprint != request.fingerprint) return Entered::kOtherRequest;
  if (entry.waiters.size() >= waiters_max_) return Entered::kFull;
  entry.waiters.push_back(std::move(done));
  return Entered::kWaits;
}

std::vector<BarrierDone> Reservations::Leave(BarrierVerb verb, const EffectKey& key) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(Key(key, verb));
  SKALD_CHECK(at != entries_.end(), "key={}", ToString(key));
  std::vector<BarrierDone> waiters = std::move(at->second.waiters);
  entries_.erase(at);
  return waiters;
}

std::optional<Incarnation> Reservations::Lowest(StoreId store) {
  MutexLock lock(mutex_);
  std::optional<Incarnation> lowest;
  for (const auto& [key, entry] : entries_) {
    if (key.first.store != store) continue;
    lowest = std::min(lowest.value_or(key.first.saga.incarnation), key.first.saga.incarnation);
  }
  return lowest;
}

size_t Reservations::size() {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace skald::inline v1::internal
