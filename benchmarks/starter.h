// A host that starts numbered order sagas from one thread, so many at once: fills a store with
// them, and asks for those that it holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "measure.h"
#include "order_saga.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"

namespace skald::bench {

// The business key of order `number`; always the same.
std::string NumberedKey(uint64_t number);

class Starter {
 public:
  // What a start waits for until it counts as settled.
  enum class Until : uint8_t { kStarted, kEnded };

  // `coordinator` knows kPlaceOrder and outlives this object.
  Starter(Coordinator& coordinator, Until until, uint64_t unsettled_max = 4096);
  // Waits for all.
  ~Starter();
  Starter(const Starter&) = delete;
  Starter& operator=(const Starter&) = delete;

  // Waits while too many are unsettled; ends the process when none settles for a minute, or one
  // comes to anything but what a healthy engine makes of it.
  void Start(uint64_t number);
  void WaitForAll();
  uint64_t settled() const { return settled_.load(std::memory_order_relaxed); }
  // Starts that found their key known.
  uint64_t existed() const { return existed_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kOrders = 1024;

  void Answered(absl::StatusOr<SagaHandle<Nothing>> saga);
  void Settled();
  void WaitForSettled(uint64_t count);

  Coordinator& coordinator_;
  const Until until_;
  const uint64_t unsettled_max_;
  std::vector<Order> orders_;
  uint64_t started_ = 0;
  std::atomic<uint64_t> settled_ = 0;
  std::atomic<uint64_t> existed_ = 0;
  Mutex mutex_;
  CondVar room_;
  uint64_t awaited_ SKALD_GUARDED_BY(mutex_) = 0;  // who settles this one wakes the host
};

// Starts those numbered [from, from + count) and tells on stderr how far it is.
void StartNumbered(Starter& starter, uint64_t from, uint64_t count, std::string_view what);

}  // namespace skald::bench
