// Resumes coroutines one after another instead of one inside another, so that a chain of any length
// of synchronous completions needs a constant amount of stack. (Symmetric transfer would do that by
// itself only where the compiler turns it into a jump: gcc does not at -O0, nor under sanitizers.)
//
// While a coroutine runs on a thread, everything else that is resumed on that thread waits in a
// list until it suspends or ends.
#pragma once

#include <coroutine>

#include "skald/base/export.h"

namespace skald::inline v1::internal {

// Something to resume, in a list. Lives in a coroutine's frame; is free again once `handle` runs.
struct Resumption {
  std::coroutine_handle<> handle;
  Resumption* next = nullptr;
};

// Resumes item.handle: now, and all that follows from it, or, within a coroutine, soon.
// REQUIRES: the coroutine is suspended, and nobody else resumes it.
// THREADS: any. The list is the thread's own.
SKALD_EXPORT void Resume(Resumption& item) noexcept;

// For a coroutine's thread that is about to block: takes over what waits for it to suspend, so that
// nothing is held up by the block.
class SKALD_EXPORT NestedTrampoline {
 public:
  NestedTrampoline() noexcept;
  ~NestedTrampoline();
  NestedTrampoline(const NestedTrampoline&) = delete;
  NestedTrampoline& operator=(const NestedTrampoline&) = delete;

  // Resumes until nothing waits on this thread.
  void Drain() noexcept;

 private:
  friend void Resume(Resumption& item) noexcept;

  void Push(Resumption& item) noexcept;

  NestedTrampoline* outer_;
  Resumption* first_ = nullptr;
  Resumption* last_ = nullptr;
};

}  // namespace skald::inline v1::internal
