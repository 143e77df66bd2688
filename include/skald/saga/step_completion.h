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
// it counts as any late verdict does.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/say.h"

namespace skald::inline v1 {

namespace internal {

// What all copies of a completion share. The call is not touched once it was said; the names are
// the definition's, which whoever reports keeps.
class SKALD_EXPORT CompletionState {
 public:
  explicit CompletionState(Call& call);
  CompletionState(const CompletionState&) = delete;
  CompletionState& operator=(const CompletionState&) = delete;
  ~CompletionState();

  // RETURNS: the call, whose result is to be written and then finished; null: it was said before.
  Call* Begin();
  static void Finish(Call& call);

 private:
  std::atomic<Call*> call_;  // null: said
  std::weak_ptr<MisuseReporter> reporter_;
  // For the report:
  std::string_view definition_;
  std::string_view step_;
  std::string key_;
};

}  // namespace internal

// Copies are the same completion. THREADS: any.
template <typename T>
class StepCompletion {
 public:
  explicit StepCompletion(std::shared_ptr<internal::CompletionState> state)
      : state_(std::move(state)) {}

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
    internal::Call* call = state_->Begin();
    if (call == nullptr) return;
    internal::Say<T>(*call->result, std::forward<Verdict>(said));
    internal::CompletionState::Finish(*call);
  }

  std::shared_ptr<internal::CompletionState> state_;
};

}  // namespace skald::inline v1
