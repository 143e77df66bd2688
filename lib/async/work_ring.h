// A first-in-first-out queue of work that allocates only while it grows.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "skald/async/executor.h"
#include "skald/base/check.h"

namespace skald::inline v1 {

class WorkRing {
 public:
  size_t size() const { return tail_ - head_; }
  bool empty() const { return tail_ == head_; }

  void Push(Work&& work) {
    if (size() == slots_.size()) Grow();
    slots_[tail_++ & (slots_.size() - 1)] = std::move(work);
  }
  // REQUIRES: !empty().
  Work Pop() {
    SKALD_DCHECK(!empty());
    return std::move(slots_[head_++ & (slots_.size() - 1)]);
  }

 private:
  void Grow() {
    std::vector<Work> larger(slots_.empty() ? 64 : 2 * slots_.size());
    const size_t count = size();
    for (size_t i = 0; i < count; ++i) larger[i] = Pop();
    slots_ = std::move(larger);
    head_ = 0;
    tail_ = count;
  }

  std::vector<Work> slots_;  // a power of two of them
  size_t head_ = 0;
  size_t tail_ = 0;
};

}  // namespace skald::inline v1
