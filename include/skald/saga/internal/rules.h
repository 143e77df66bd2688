// The rules of a definition that the compiler enforces, and the one sentence for each.
//
// Every call of a builder finds the first rule that it breaks; Obeyed() fails on that one alone,
// and what the call returns then accepts everything, so that nothing else is reported.
#pragma once

namespace skald::inline v1::internal {

enum class Rule : unsigned char {
  kNone,
  kSagaKey,
  kStepKey,
  kRepeatedName,
  kStepAfterPivot,
  kSecondPivot,
  kRetriableWithoutPivot,
  kUnknownUse,
  kUsingPlace,
  kMissingAction,
  kMissingCompensation,
  kSurplusCompensation,
  kActionParameters,
  kActionResult,
  kCompensationParameters,
  kCompensationOutput,
  kCompensationResult,
  kMutableFunction,
  kModifier,
  kRepeatedModifier,
  kCompensationRetryPlace,
  kReconcilePlace,
  kReconcileParameters,
  kReconcileResult,
  kReturnsUnknown,
  kReturnsType,
  kReturnsTwice,
  kReturnsMissing,
  kNoSteps,
};

template <Rule kBroken>
consteval bool Obeyed() {
  static_assert(kBroken != Rule::kSagaKey,
                "skald: Define takes a saga key: inline constexpr skald::SagaKey<\"place-order\", "
                "1, Order, Receipt> kPlaceOrder;");
  static_assert(kBroken != Rule::kStepKey,
                "skald: a step begins with its key: declare struct ReserveStock : "
                "skald::StepKey<\"reserve-stock\", Reservation> {}; and pass ReserveStock{}");
  static_assert(kBroken != Rule::kRepeatedName,
                "skald: an earlier step has this name already: give each step a key with a name "
                "of its own");
  static_assert(kBroken != Rule::kStepAfterPivot,
                "skald: a Step cannot stand after the Pivot, from where nothing is undone: move "
                "it before the Pivot, or make it Retriable");
  static_assert(kBroken != Rule::kSecondPivot,
                "skald: a definition has one Pivot: make the other a Step with a compensation "
                "before it, or Retriable after it");
  static_assert(kBroken != Rule::kRetriableWithoutPivot,
                "skald: a Retriable step stands after the Pivot: declare the Pivot before it, or "
                "make it a Step with a compensation");
  static_assert(kBroken != Rule::kUnknownUse,
                "skald: Using(...) names a step that is not declared before this one: declare it "
                "earlier, or leave it out");
  static_assert(kBroken != Rule::kUsingPlace,
                "skald: Using(...) stands once, right behind the step's key");
  static_assert(kBroken != Rule::kMissingAction,
                "skald: this step has no action: behind its key write a function of (const "
                "StepContext&, const Input&, const Output&... of each step in Using)");
  static_assert(kBroken != Rule::kMissingCompensation,
                "skald: this Step has no compensation: write one behind the action, or declare "
                "it NoEffect if there is nothing to undo");
  static_assert(kBroken != Rule::kSurplusCompensation,
                "skald: only a Step has a compensation: leave the second function out, or "
                "declare this one as a Step before the Pivot");
  static_assert(kBroken != Rule::kActionParameters,
                "skald: an action takes exactly (const StepContext&, const Input&, const "
                "Output&... of each step in Using, in that order)");
  static_assert(kBroken != Rule::kActionResult,
                "skald: an action returns its key's Output as T, absl::StatusOr<T>, "
                "skald::Verdict<T> or a skald::Task of these; with no Output also void or "
                "absl::Status");
  static_assert(kBroken != Rule::kCompensationParameters,
                "skald: a compensation takes exactly (const StepContext&, const Input&, const "
                "Output*), and then optionally const UsedOutput*... for each step in Using");
  static_assert(kBroken != Rule::kCompensationOutput,
                "skald: a compensation takes its step's output as const Output*, which is null "
                "when the action may have run but its output is not known");
  static_assert(kBroken != Rule::kCompensationResult,
                "skald: a compensation returns void, absl::Status, skald::Verdict<Nothing> or a "
                "skald::Task of these");
  static_assert(kBroken != Rule::kMutableFunction,
                "skald: one function object serves many sagas at once and is called as const: "
                "drop `mutable`, and keep state elsewhere behind a lock");
  static_assert(kBroken != Rule::kModifier,
                "skald: behind a step's functions stand only Inline(), Once(), Guarded(), "
                "Timeout(...), Retry(...), CompensationRetry(...) and Reconcile(...)");
  static_assert(kBroken != Rule::kRepeatedModifier,
                "skald: this step has the same modifier twice: leave one out");
  static_assert(kBroken != Rule::kCompensationRetryPlace,
                "skald: only a Step has a compensation to retry: leave CompensationRetry(...) "
                "out, or write Retry(...) for the action");
  static_assert(kBroken != Rule::kReconcilePlace,
                "skald: only a Pivot is reconciled: leave Reconcile(...) out here");
  static_assert(kBroken != Rule::kReconcileParameters,
                "skald: the function in Reconcile(...) takes exactly what the action takes: "
                "(const StepContext&, const Input&, const Output&... of each step in Using)");
  static_assert(kBroken != Rule::kReconcileResult,
                "skald: the function in Reconcile(...) returns skald::Verdict<Output>, or a "
                "skald::Task of it");
  static_assert(kBroken != Rule::kReturnsUnknown,
                "skald: Returns(...) names a step that is not declared before it: name a step "
                "of this definition");
  static_assert(kBroken != Rule::kReturnsType,
                "skald: Returns(...) names a step whose output is not the saga's result type: "
                "name another step, or change the result in the SagaKey");
  static_assert(kBroken != Rule::kReturnsTwice,
                "skald: a saga returns one step's output: leave one Returns(...) out");
  static_assert(kBroken != Rule::kReturnsMissing,
                "skald: the SagaKey promises a result: say whose output it is by "
                "Returns(SomeStep{}), or leave the result out of the SagaKey");
  static_assert(kBroken != Rule::kNoSteps,
                "skald: a definition has at least one step: add Step, NoEffect or Pivot before "
                "Build()");
  return kBroken == Rule::kNone;
}

}  // namespace skald::inline v1::internal
