#include "skald/pool/internal/pool_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "skald/base/clock.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kCachesMin = 8;
constexpr size_t kCachesMax = 64;

// Two for each processor: threads that come and go seldom meet in one.
size_t CacheCount() {
  const size_t wanted = 2 * std::max(1U, std::thread::hardware_concurrency());
  return std::bit_ceil(std::clamp(wanted, kCachesMin, kCachesMax));
}

// Counts the threads that ever used a pool.
size_t ThreadNumber() noexcept {
  static std::atomic<size_t> threads{0};
  thread_local const size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

PoolCore::PoolCore(size_t capacity, Observer* observer)
    : capacity_(capacity),
      observer_(observer),
      cache_mask_(CacheCount() - 1),
      caches_(std::make_unique<Cache[]>(cache_mask_ + 1)) {}

PoolCore::~PoolCore() = default;

PoolCore::Cache& PoolCore::Mine() const noexcept {
  return caches_[ThreadNumber() & cache_mask_];
}

absl::StatusOr<PoolNodeBase*> PoolCore::Take(std::source_location taken) {
  Cache& cache = Mine();
  PoolNodeBase* node = TakeFrom(cache);
  if (node != nullptr) [[likely]] {
    cache.hits.fetch_add(1, std::memory_order_relaxed);
  } else if (node = TakeSurplus(cache); node == nullptr) {
    absl::StatusOr<PoolNodeBase*> created = Create();
    if (!created.ok()) return created;
    node = *created;
  }
  node->taken = taken;
  return node;
}

PoolNodeBase* PoolCore::TryTake(std::source_location taken) noexcept {
  Cache& cache = Mine();
  PoolNodeBase* node = TakeFrom(cache);
  if (node != nullptr) {
    cache.hits.fetch_add(1, std::memory_order_relaxed);
  } else if (node = Steal(); node == nullptr) {
    return nullptr;
  }
  node->taken = taken;
  return node;
}

PoolNodeBase* PoolCore::TakeFrom(Cache& cache) noexcept {
  for (std::atomic<PoolNodeBase*>& slot : cache.slots) {
    PoolNodeBase* node = slot.load(std::memory_order_relaxed);
    if (node == nullptr || node == mark()) continue;
    // Compared by address only: the node is not looked at before it is ours.
    if (slot.compare_exchange_strong(node, nullptr, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return node;
    }
  }
  return nullptr;
}

PoolNodeBase* PoolCore::TakeSurplus(Cache& cache) noexcept {
  MutexLock lock(mutex_);
  PoolNodeBase* const node = surplus_;
  if (node == nullptr) return nullptr;
  surplus_ = node->next_surplus;
  --surplus_size_;
  refills_.fetch_add(1, std::memory_order_relaxed);
  for (size_t moved = 1; moved < kBatch && surplus_ != nullptr; ++moved) {
    // Read first: once in a slot it is somebody else's.
    PoolNodeBase* const rest = surplus_->next_surplus;
    if (!PutInto(cache, surplus_)) break;
    surplus_ = rest;
    --surplus_size_;
  }
  return node;
}

PoolNodeBase* PoolCore::Steal() noexcept {
  for (size_t i = 0; i <= cache_mask_; ++i) {
    PoolNodeBase* const node = TakeFrom(caches_[i]);
    if (node == nullptr) continue;
    steals_.fetch_add(1, std::memory_order_relaxed);
    return node;
  }
  return nullptr;
}

absl::StatusOr<PoolNodeBase*> PoolCore::Create() {
  if (alive_.fetch_add(1, std::memory_order_relaxed) > capacity_) {
    alive_.fetch_sub(1, std::memory_order_relaxed);
    if (PoolNodeBase* const node = Steal(); node != nullptr) return node;
    exhausted_.fetch_add(1, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(fmt::format(
        "acquiring an object: all {} of the pool, its capacity, are in use", capacity_));
  }
  try {
    PoolNodeBase* const node = New();
    node->core = this;
    created_.fetch_add(1, std::memory_order_relaxed);
    MutexLock lock(mutex_);
    node->next = all_;
    if (all_ != nullptr) all_->previous = node;
    all_ = node;
    return node;
  } catch (const std::exception& error) {
    alive_.fetch_sub(1, std::memory_order_relaxed);
    return absl::InternalError(fmt::format("making an object for a pool: {}", error.what()));
  } catch (...) {
    alive_.fetch_sub(1, std::memory_order_relaxed);
    return absl::InternalError("making an object for a pool: its constructor threw");
  }
}

void PoolCore::Give(PoolNodeBase* node, bool keep) noexcept {
  if (!keep) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    Destroy(node);
    return;
  }
  Cache& cache = Mine();
  if (!PutInto(cache, node)) PutSurplus(cache, node);
}

bool PoolCore::PutInto(Cache& cache, PoolNodeBase* node) noexcept {
  for (std::atomic<PoolNodeBase*>& slot : cache.slots) {
    PoolNodeBase* there = slot.load(std::memory_order_relaxed);
    if (there == nullptr && slot.compare_exchange_strong(there, node, std::memory_order_release,
                                                         std::memory_order_relaxed)) {
      return true;  // `this` may be gone
    }
  }
  return false;
}

void PoolCore::PutSurplus(Cache& cache, PoolNodeBase* node) noexcept {
  std::array<PoolNodeBase*, kBatch> batch{node};
  size_t count = 1;
  while (count < kBatch && (batch[count] = TakeFrom(cache)) != nullptr) ++count;
  {
    MutexLock lock(mutex_);
    if (!closed_) {
      for (size_t i = 0; i < count; ++i) {
        batch[i]->next_surplus = surplus_;
        surplus_ = batch[i];
      }
      surplus_size_ += count;
      return;
    }
  }
  for (size_t i = 0; i < count; ++i) Destroy(batch[i]);
}

void PoolCore::Destroy(PoolNodeBase* node) noexcept {
  {
    MutexLock lock(mutex_);
    (node->previous == nullptr ? all_ : node->previous->next) = node->next;
    if (node->next != nullptr) node->next->previous = node->previous;
  }
  Delete(node);  // user code: not under the lock
  Release();
}

void PoolCore::Release() noexcept {
  if (alive_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void PoolCore::Close() {
  std::vector<PoolNodeBase*> idle;
  CloseSurplus(idle);
  for (size_t i = 0; i <= cache_mask_; ++i) {
    for (std::atomic<PoolNodeBase*>& slot : caches_[i].slots) {
      PoolNodeBase* const node = slot.exchange(mark(), std::memory_order_acq_rel);
      if (node != nullptr) idle.push_back(node);
    }
  }
  for (PoolNodeBase* node : idle) Destroy(node);
  ReportHandlesOut();
  Release();
}

void PoolCore::CloseSurplus(std::vector<PoolNodeBase*>& idle) {
  MutexLock lock(mutex_);
  closed_ = true;
  for (PoolNodeBase* node = surplus_; node != nullptr; node = node->next_surplus) {
    idle.push_back(node);
  }
  surplus_ = nullptr;
  surplus_size_ = 0;
}

void PoolCore::ReportHandlesOut() {
  std::vector<std::source_location> out;
  {
    MutexLock lock(mutex_);
    for (const PoolNodeBase* node = all_; node != nullptr; node = node->next) {
      out.push_back(node->taken);
    }
  }
  for (const std::source_location& taken : out) {
    const std::string place = fmt::format("{}:{}", taken.file_name(), taken.line());
    if (observer_ != nullptr) {
      observer_->OnNotice({.severity = Severity::kWarning,
                           .kind = "pool-handle-out",
                           .subject = place,
                           .message =
                               "an object pool was destroyed while a handle taken here is out; "
                               "end handles before their pool",
                           .time = Clock::Real().Wall()});
      continue;
    }
#if defined(SKALD_DEBUG_CHECKS)
    std::fprintf(stderr,
                 "%s: skald: an object pool was destroyed while a handle taken here is out\n",
                 place.c_str());
#endif
  }
}

PoolStats PoolCore::Stats() const {
  PoolStats stats;
  stats.capacity = capacity_;
  const size_t alive = alive_.load(std::memory_order_relaxed) - 1;
  for (size_t i = 0; i <= cache_mask_; ++i) {
    stats.cache_hits += caches_[i].hits.load(std::memory_order_relaxed);
    for (const std::atomic<PoolNodeBase*>& slot : caches_[i].slots) {
      stats.idle += slot.load(std::memory_order_relaxed) != nullptr;
    }
  }
  {
    MutexLock lock(mutex_);
    stats.idle += surplus_size_;
  }
  stats.in_use = alive - std::min(alive, stats.idle);
  stats.created = created_.load(std::memory_order_relaxed);
  stats.dropped = dropped_.load(std::memory_order_relaxed);
  stats.refills = refills_.load(std::memory_order_relaxed);
  stats.steals = steals_.load(std::memory_order_relaxed);
  stats.exhausted = exhausted_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace skald::inline v1::internal
