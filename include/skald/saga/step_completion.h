// StepCompletion<T>: the verdict that a step owes, to be said later and from any thread.
//
//   .Pivot(Charge{},
//          [&](const StepContext& step, const Order& order, StepCompletion<Receipt> done) {
//            bank.Charge(step.idempotency_key(), order, [done](absl::StatusOr<Receipt> receipt) {
//              done(std::move(receipt));
//            });
//          })
//
// An action or compensation whose last parameter it is returns void, must not block, and is over
// when the completion is called. Input, outputs and context live until then. Said a second time,
// the verdict is ignored and reported ("completion-called-twice"); when the last copy goes away
// unsaid, the step says Unknown, for nobody knows what happened; said after the attempt's deadline,
// it counts as any late verdict does. A function that calls it and then throws has said its
// verdict; the exception is reported ("completion-called-then-threw").
//
// A copy keeps its attempt, and that the coordinator's definitions with their step functions, until
// the copy is gone, also after it was called. So a step function does not own by value what keeps
// copies (a client with its callbacks): each would keep the other, for ever. It refers to it.
#pragma once

#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "skald/base/check.h"
#include "skald/base/verdict.h"
#include "skald/saga/internal/call.h"
#include "skald/saga/internal/say.h"

namespace skald::inline v1 {

namespace internal {

// One copy's hold on what all copies of a completion share: the call that it ends.
class CompletionHold {
 public:
  // REQUIRES: it is the call's first.
  explicit CompletionHold(Call& call) : call_(&call) { call.HoldFirst(); }
  CompletionHold(const CompletionHold& other) : call_(other.call_) {
    if (call_ != nullptr) call_->Hold();
  }
  CompletionHold(CompletionHold&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CompletionHold& operator=(CompletionHold other) noexcept {
    std::swap(call_, other.call_);
    return *this;
  }
  ~CompletionHold() {
    if (call_ != nullptr) call_->LetGo();
  }

  Call& call() const {
    SKALD_CHECK(call_ != nullptr, "a StepCompletion is called that was moved from");
    return *call_;
  }

 private:
  Call* call_;  // null: moved from
};

}  // namespace internal

// Copies are the same completion. THREADS: any.
template <typename T>
class StepCompletion {
 public:
  explicit StepCompletion(internal::CompletionHold hold) : hold_(std::move(hold)) {}

  // What a step function of this output may return: T, absl::StatusOr<T>, Verdict<T>; with no
  // output also absl::Status. The coordinator's loop hears of it; nothing of it runs in this call.
  void operator()(const T& output) const { Said(output); }
  template <typename Other>
    requires(internal::kSays<std::remove_cvref_t<Other>, T> &&
             !std::is_same_v<std::remove_cvref_t<Other>, T>)
  void operator()(Other&& said) const {
    Said(std::forward<Other>(said));
  }

 private:
  template <typename Verdict>
  void Said(Verdict&& said) const {
    internal::Call& call = hold_.call();
    if (!call.BeginVerdict()) return;
    internal::Say<T>(call.result, std::forward<Verdict>(said));
    call.End();
  }

  internal::CompletionHold hold_;
};

}  // namespace skald::inline v1
