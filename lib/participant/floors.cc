#include "skald/participant/internal/floors.h"

#include "skald/base/check.h"

namespace skald::inline v1::internal {

void Floors::Load(const BarrierFloor& durable) {
  MutexLock lock(mutex_);
  Floor& floor = floors_[static_cast<uint64_t>(durable.store)];
  floor.seen = floor.written = static_cast<uint64_t>(durable.floor);
}

bool Floors::Learn(StoreId store, Incarnation floor) {
  MutexLock lock(mutex_);
  const auto key = static_cast<uint64_t>(store);
  auto at = floors_.find(key);
  if (at == floors_.end()) {
    if (floors_.size() >= stores_max_) return false;
    at = floors_.try_emplace(key).first;
  }
  at->second.seen = std::max(at->second.seen, static_cast<uint64_t>(floor));
  return true;
}

Incarnation Floors::Highest(StoreId store) {
  MutexLock lock(mutex_);
  const auto at = floors_.find(static_cast<uint64_t>(store));
  return Incarnation{at == floors_.end() ? 0 : at->second.seen};
}

FloorClaim Floors::ClaimWrite(StoreId store, uint64_t step) {
  MutexLock lock(mutex_);
  Floor& floor = floors_[static_cast<uint64_t>(store)];
  if (floor.writing || floor.seen - floor.written < step) return std::nullopt;
  floor.writing = true;
  return BarrierFloor{store, Incarnation{floor.seen}};
}

void Floors::EndWrite(const FloorClaim& claim, bool durable) {
  if (!claim) return;
  MutexLock lock(mutex_);
  Floor& floor = floors_[static_cast<uint64_t>(claim->store)];
  SKALD_CHECK(floor.writing && floor.written <= static_cast<uint64_t>(claim->floor),
              "written={} claimed={}", floor.written, static_cast<uint64_t>(claim->floor));
  floor.writing = false;
  if (durable) floor.written = static_cast<uint64_t>(claim->floor);
}

FloorClaim Floors::ClaimDrop(StoreId store, uint64_t step) {
  MutexLock lock(mutex_);
  const auto at = floors_.find(static_cast<uint64_t>(store));  // a store may be new, and refused
  if (at == floors_.end()) return std::nullopt;
  Floor& floor = at->second;
  if (floor.dropping || floor.written - floor.dropped < step) return std::nullopt;
  floor.dropping = true;
  return BarrierFloor{store, Incarnation{floor.written}};
}

void Floors::EndDrop(const FloorClaim& claim, bool dropped) {
  if (!claim) return;
  MutexLock lock(mutex_);
  Floor& floor = floors_[static_cast<uint64_t>(claim->store)];
  SKALD_CHECK(floor.dropping && floor.dropped <= static_cast<uint64_t>(claim->floor),
              "dropped={} claimed={}", floor.dropped, static_cast<uint64_t>(claim->floor));
  floor.dropping = false;
  if (dropped) floor.dropped = static_cast<uint64_t>(claim->floor);
}

std::vector<StoreId> Floors::Stores() {
  MutexLock lock(mutex_);
  std::vector<StoreId> stores;
  stores.reserve(floors_.size());
  for (const auto& [store, floor] : floors_) stores.push_back(StoreId{store});
  return stores;
}

}  // namespace skald::inline v1::internal
