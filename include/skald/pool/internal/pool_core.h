// The part of ObjectPool that does not depend on the object's type.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/mutex.h"
#include "skald/base/observer.h"
#include "skald/pool/pool_stats.h"

namespace skald::inline v1::internal {

class PoolCore;

// Heads every pooled object. At any moment a node has one owner: a handle, a slot of a cache, the
// surplus, or a thread that carries it between these.
struct PoolNodeBase {
  PoolCore* core = nullptr;
  PoolNodeBase* next_surplus = nullptr;  // guarded by the core's mutex
  PoolNodeBase* previous = nullptr;      // in the list of all nodes; guarded by the core's mutex
  PoolNodeBase* next = nullptr;
  std::source_location taken;  // the handle's, while there is one
};

// Lives until the pool and all of its nodes are gone.
//
// Close() puts a mark into every slot, atomically taking out what was there, and shuts the surplus.
// A node that is given back at the same time either lands in its slot before the mark, and Close
// destroys it, or finds the mark, and its giver does. So nothing but the exchange of a slot is
// needed to agree.
class SKALD_EXPORT PoolCore {  // NOLINT(cppcoreguidelines-virtual-class-destructor): ends itself
 public:
  PoolCore(size_t capacity, Observer* observer);
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  absl::StatusOr<PoolNodeBase*> Take(std::source_location taken);
  // Null when no idle node was found.
  PoolNodeBase* TryTake(std::source_location taken) noexcept;
  // Takes the node back, or destroys it. `this` may be gone afterwards.
  void Give(PoolNodeBase* node, bool keep) noexcept;
  // The pool is gone. `this` may be gone afterwards.
  void Close();
  PoolStats Stats() const;

 protected:
  virtual ~PoolCore();
  virtual PoolNodeBase* New() const = 0;
  virtual void Delete(PoolNodeBase* node) const noexcept = 0;

 private:
  static constexpr size_t kSlots = 16;          // of a cache
  static constexpr size_t kBatch = kSlots / 2;  // moved at once between a cache and the surplus

  // Mostly of one thread; of several where there are more threads than caches.
  struct alignas(64) Cache {
    std::array<std::atomic<PoolNodeBase*>, kSlots> slots{};
    std::atomic<uint64_t> hits{0};
  };

  Cache& Mine() const noexcept;
  PoolNodeBase* mark() noexcept { return &mark_; }
  PoolNodeBase* TakeFrom(Cache& cache) noexcept;
  PoolNodeBase* TakeSurplus(Cache& cache) noexcept SKALD_EXCLUDES(mutex_);
  PoolNodeBase* Steal() noexcept;
  absl::StatusOr<PoolNodeBase*> Create() SKALD_EXCLUDES(mutex_);
  // False: no slot is free.
  bool PutInto(Cache& cache, PoolNodeBase* node) noexcept;
  void PutSurplus(Cache& cache, PoolNodeBase* node) noexcept SKALD_EXCLUDES(mutex_);
  void Destroy(PoolNodeBase* node) noexcept SKALD_EXCLUDES(mutex_);
  // The last one deletes the core.
  void Release() noexcept;
  void CloseSurplus(std::vector<PoolNodeBase*>& idle) SKALD_EXCLUDES(mutex_);
  void ReportHandlesOut() SKALD_EXCLUDES(mutex_);

  const size_t capacity_;
  Observer* const observer_;
  const size_t cache_mask_;
  const std::unique_ptr<Cache[]> caches_;
  PoolNodeBase mark_;  // stands in every slot once the pool is gone

  std::atomic<size_t> alive_{1};  // nodes, and one for the pool
  std::atomic<uint64_t> created_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> refills_{0};
  std::atomic<uint64_t> steals_{0};
  std::atomic<uint64_t> exhausted_{0};

  mutable Mutex mutex_;
  PoolNodeBase* surplus_ SKALD_GUARDED_BY(mutex_) = nullptr;
  PoolNodeBase* all_ SKALD_GUARDED_BY(mutex_) = nullptr;
  size_t surplus_size_ SKALD_GUARDED_BY(mutex_) = 0;
  bool closed_ SKALD_GUARDED_BY(mutex_) = false;
};

}  // namespace skald::inline v1::internal
