#include "skald/async/internal/trampoline.h"

#include "skald/base/check.h"

namespace skald::inline v1::internal {
namespace {

// The innermost one of this thread; null while no coroutine of ours runs on it.
thread_local NestedTrampoline* innermost = nullptr;

}  // namespace

void Resume(Resumption& item) noexcept {
  if (innermost != nullptr) {
    innermost->Push(item);
    return;
  }
  NestedTrampoline trampoline;
  trampoline.Push(item);
  trampoline.Drain();
}

NestedTrampoline::NestedTrampoline() noexcept : outer_(innermost) {
  innermost = this;
  if (outer_ == nullptr) return;
  first_ = outer_->first_;
  last_ = outer_->last_;
  outer_->first_ = outer_->last_ = nullptr;
}

NestedTrampoline::~NestedTrampoline() {
  SKALD_CHECK(first_ == nullptr, "a coroutine was left waiting for its turn");
  innermost = outer_;
}

void NestedTrampoline::Push(Resumption& item) noexcept {
  item.next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = &item;
  last_ = &item;
}

void NestedTrampoline::Drain() noexcept {
  while (first_ != nullptr) {
    // The item may be gone, or in the list again, once its coroutine runs.
    const std::coroutine_handle<> handle = first_->handle;
    first_ = first_->next;
    handle.resume();
  }
}

}  // namespace skald::inline v1::internal
