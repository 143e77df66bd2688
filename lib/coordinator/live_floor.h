// The lowest incarnation of a shard's live sagas, in O(1): they are given out in growing order, so
// a queue with holes knows its front. Those that stay long are kept apart, or the queue would be as
// long as all that came after them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>

#include "absl/container/btree_set.h"
#include "skald/base/check.h"

namespace skald::inline v1::internal {

class LiveFloor {
 public:
  // In place of a slot: it is kept apart.
  static constexpr uint64_t kOld = ~uint64_t{0};

  // Any thread. ~0: none is live.
  uint64_t floor() const { return floor_.load(std::memory_order_seq_cst); }

  // Before a number is drawn: whoever reads the source of numbers and then this floor sees one that
  // is not above the number about to be drawn.
  void Expect(uint64_t at_least) {
    if (live_.empty() && old_.empty() && held_ == kHole) {
      floor_.store(at_least, std::memory_order_seq_cst);
    }
  }
  // RETURNS: the slot to give to Remove. Numbers of one shard only grow.
  uint64_t Add(uint64_t incarnation) {
    live_.push_back(incarnation);
    Publish();
    return first_ + live_.size() - 1;
  }
  void MakeOld(uint64_t slot) {
    old_.insert(live_[slot - first_]);
    Remove(slot);
  }
  void AddOld(uint64_t incarnation) {
    old_.insert(incarnation);
    Publish();
  }
  void RemoveOld(uint64_t incarnation) {
    old_.erase(incarnation);
    Publish();
  }
  // Not above this one until LetGo: some that live have not been added yet.
  void Hold(uint64_t incarnation) {
    held_ = incarnation;
    Publish();
  }
  void LetGo() { Hold(kHole); }
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

  void Publish() {
    const uint64_t young = live_.empty() ? kHole : live_.front();
    const uint64_t old = old_.empty() ? kHole : *old_.begin();
    floor_.store(std::min({young, old, held_}), std::memory_order_seq_cst);
  }

  absl::btree_set<uint64_t> old_;
  std::deque<uint64_t> live_;
  uint64_t first_ = 0;
  uint64_t held_ = kHole;
  std::atomic<uint64_t> floor_{kHole};
};

}  // namespace skald::inline v1::internal
