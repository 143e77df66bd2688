// The lowest incarnation of a shard's live sagas, in O(1): they are given out in growing order, so
// a queue with holes knows its front.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>

#include "skald/base/check.h"

namespace skald::inline v1::internal {

class LiveFloor {
 public:
  // Any thread. ~0: none is live.
  uint64_t floor() const { return floor_.load(std::memory_order_seq_cst); }

  // Before a number is drawn: whoever reads the source of numbers and then this floor sees one that
  // is not above the number about to be drawn.
  void Expect(uint64_t at_least) {
    if (live_.empty()) floor_.store(at_least, std::memory_order_seq_cst);
  }
  // RETURNS: the slot to give to Remove. Numbers of one shard only grow.
  uint64_t Add(uint64_t incarnation) {
    live_.push_back(incarnation);
    Publish();
    return first_ + live_.size() - 1;
  }
  void Remove(uint64_t slot) {
    SKALD_DCHECK(slot >= first_ && slot - first_ < live_.size(), "slot={}", slot);
    live_[slot - first_] = kHole;
    while (!live_.empty() && live_.front() == kHole) {
      live_.pop_front();
      ++first_;
    }
    Publish();
  }

 private:
  static constexpr uint64_t kHole = ~uint64_t{0};

  void Publish() { floor_.store(live_.empty() ? kHole : live_.front(), std::memory_order_seq_cst); }

  std::deque<uint64_t> live_;
  uint64_t first_ = 0;
  std::atomic<uint64_t> floor_{kHole};
};

}  // namespace skald::inline v1::internal
