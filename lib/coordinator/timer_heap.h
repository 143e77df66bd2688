// A binary heap of timers that know their place in it: one timer an owner, moved or removed in
// O(log n), no garbage. T has fields `MicroTime timer_at` and `uint32_t timer_place` (kNoPlace:
// none).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "skald/base/micro_time.h"

namespace skald::inline v1::internal {

inline constexpr uint32_t kNoPlace = ~uint32_t{0};

template <typename T>
class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  T* top() const { return heap_.front(); }
  MicroTime next() const { return heap_.empty() ? MicroTime::InfiniteFuture() : top()->timer_at; }

  // Sets the owner's one timer; InfiniteFuture takes it away.
  void Set(T* owner, MicroTime at) {
    if (at == MicroTime::InfiniteFuture()) return Remove(owner);
    owner->timer_at = at;
    if (owner->timer_place == kNoPlace) {
      owner->timer_place = static_cast<uint32_t>(heap_.size());
      heap_.push_back(owner);
    }
    Down(Up(owner->timer_place));
  }

  void Remove(T* owner) {
    const uint32_t place = std::exchange(owner->timer_place, kNoPlace);
    if (place == kNoPlace) return;
    T* last = heap_.back();
    heap_.pop_back();
    if (last == owner) return;
    Put(place, last);
    Down(Up(place));
  }

 private:
  void Put(size_t place, T* owner) {
    heap_[place] = owner;
    owner->timer_place = static_cast<uint32_t>(place);
  }
  size_t Up(size_t place) {
    T* owner = heap_[place];
    for (; place > 0; place = (place - 1) / 2) {
      T* parent = heap_[(place - 1) / 2];
      if (parent->timer_at <= owner->timer_at) break;
      Put(place, parent);
    }
    Put(place, owner);
    return place;
  }
  void Down(size_t place) {
    T* owner = heap_[place];
    for (;;) {
      size_t child = 2 * place + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1]->timer_at < heap_[child]->timer_at) ++child;
      if (owner->timer_at <= heap_[child]->timer_at) break;
      Put(place, heap_[child]);
      place = child;
    }
    Put(place, owner);
  }

  std::vector<T*> heap_;
};

}  // namespace skald::inline v1::internal
