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
  kUseOfExclusive,
  kUnknownAfter,
  kAfterOfPivot,
  kUnknownWhen,
  kLinkTwice,
  kLinkPlace,
  kRange,
  kFanOutPlace,
  kDecisionKey,
  kDecisionFunction,
  kSleepKey,
  kSleepTime,
  kSignalKey,
  kSignalTimeout,
  kMissingAction,
  kMissingCompensation,
  kSurplusCompensation,
  kActionParameters,
  kActionResult,
  kCompletionResult,
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
  kPartPlace,
  kPartUntyped,
  kPartPivot,
  kPartForEach,
  kPartResult,
  kPartInput,
  kUseOfNothing,
  kRunSagaPlace,
  kRunSagaKey,
  kReturnsUnknown,
  kReturnsType,
  kReturnsSkippable,
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
                "before it, or Retriable after it, or let one decision choose between the two by "
                "When(...) and Unless(...)");
  static_assert(kBroken != Rule::kRetriableWithoutPivot,
                "skald: a Retriable step stands after a Pivot that runs whenever it runs: declare "
                "the Pivot before it, or make it a Step with a compensation");
  static_assert(kBroken != Rule::kUnknownUse,
                "skald: Using(...) names a step that is not declared before this one: declare it "
                "earlier, or leave it out");
  static_assert(kBroken != Rule::kUseOfExclusive,
                "skald: Using(...) names a step that never runs together with this one: leave it "
                "out, or change the When(...) or Unless(...) of one of them");
  static_assert(kBroken != Rule::kUnknownAfter,
                "skald: After(...) names a step that is not declared before this one: declare it "
                "earlier, or leave it out");
  static_assert(kBroken != Rule::kAfterOfPivot,
                "skald: the Pivot follows every step that is declared before it: leave After(...) "
                "out");
  static_assert(kBroken != Rule::kUnknownWhen,
                "skald: When(...) and Unless(...) name decisions: declare .Decide(...) under that "
                "key before this step");
  static_assert(kBroken != Rule::kLinkTwice,
                "skald: Using(...), After(...), When(...), Unless(...) and ForEach(...) stand at "
                "most once each: join them into one");
  static_assert(kBroken != Rule::kLinkPlace,
                "skald: Using(...), After(...), When(...), Unless(...) and ForEach(...) stand "
                "between the step's key and its functions");
  static_assert(kBroken != Rule::kRange,
                "skald: the function in ForEach(...) takes exactly (const Input&, const "
                "Output&... of each step in Using) and returns a std::vector of items");
  static_assert(kBroken != Rule::kFanOutPlace,
                "skald: ForEach(...) stands only on Step, NoEffect and Retriable: what may happen "
                "once cannot happen for each item");
  static_assert(kBroken != Rule::kDecisionKey,
                "skald: a decision's key has the output bool: declare struct IsGift : "
                "skald::StepKey<\"is-gift\", bool> {};");
  static_assert(kBroken != Rule::kDecisionFunction,
                "skald: a decision is one function that takes exactly (const Input&, const "
                "Output&... of each step in Using) and returns bool");
  static_assert(kBroken != Rule::kSleepKey,
                "skald: a sleep's key has no output: declare struct CoolDown : "
                "skald::StepKey<\"cool-down\"> {};");
  static_assert(kBroken != Rule::kSleepTime,
                "skald: behind its key and links a Sleep takes one absl::Duration, or one "
                "function of (const Input&, const Output&... of each step in Using) that returns "
                "an absl::Duration or an absl::Time");
  static_assert(kBroken != Rule::kSignalKey,
                "skald: AwaitSignal begins with a signal's key: declare struct Paid : "
                "skald::SignalKey<\"paid\", Payment> {}; and pass Paid{}");
  static_assert(kBroken != Rule::kSignalTimeout,
                "skald: behind its key and links AwaitSignal takes its time-out, an "
                "absl::Duration, and then optionally a compensation with its modifiers");
  static_assert(kBroken != Rule::kMissingAction,
                "skald: this step has no action: behind its key write a function of (const "
                "StepContext&, const Input&, const Output&... of each step in Using)");
  static_assert(kBroken != Rule::kMissingCompensation,
                "skald: this Step has no compensation: write one behind the action, or declare "
                "it NoEffect if there is nothing to undo");
  static_assert(kBroken != Rule::kSurplusCompensation,
                "skald: only a Step has a compensation: leave the second function out, or "
                "declare this one as a Step before the Pivot");
  static_assert(
      kBroken != Rule::kActionParameters,
      "skald: an action takes exactly (const StepContext&, const Input&, with ForEach "
      "const Item&, and then for each step in Using const Output&, or const Output* where "
      "that step can be skipped)");
  static_assert(kBroken != Rule::kActionResult,
                "skald: an action returns its key's Output as T, absl::StatusOr<T>, "
                "skald::Verdict<T> or a skald::Task of these; with no Output also void or "
                "absl::Status");
  static_assert(kBroken != Rule::kCompletionResult,
                "skald: a step function that takes a StepCompletion says its verdict through it "
                "and returns void");
  static_assert(kBroken != Rule::kCompensationParameters,
                "skald: a compensation takes exactly (const StepContext&, const Input&, with "
                "ForEach const Item&, const Output*), and then optionally const UsedOutput*... for "
                "each step in Using");
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
  static_assert(kBroken != Rule::kPartPlace,
                "skald: a definition stands in the place of a Step, or of the Pivot when it has "
                "one: behind the Pivot write Retriable(Key{}, RunSaga(kSaga))");
  static_assert(kBroken != Rule::kPartUntyped,
                "skald: a definition in a step's place keeps its types: let the function that "
                "builds it return auto, not skald::Definition");
  static_assert(kBroken != Rule::kPartPivot,
                "skald: a definition in a Step's place has no Pivot, and one in the Pivot's place "
                "has a Pivot that runs in every run: use it in the other place");
  static_assert(kBroken != Rule::kPartForEach,
                "skald: ForEach(...) does not go with a definition, whose steps join the graph "
                "once: behind the Pivot, RunSaga(...) starts a saga for each item");
  static_assert(kBroken != Rule::kPartResult,
                "skald: the key of a definition, or of a saga that is run, has its result as "
                "output: declare struct Pay : skald::StepKey<\"pay\", Receipt> {}; where the "
                "result is a Receipt");
  static_assert(kBroken != Rule::kPartInput,
                "skald: behind a definition or RunSaga(...) stands one function of (const Input&, "
                "const Output&... of each step in Using) that returns its input; leave it out only "
                "where that is this saga's own input, or the item of ForEach(...)");
  static_assert(kBroken != Rule::kUseOfNothing,
                "skald: Using(...) names a definition that returns nothing: name it in After(...)");
  static_assert(kBroken != Rule::kRunSagaPlace,
                "skald: RunSaga(...) stands in a Retriable, behind the Pivot: before it, put the "
                "definition itself in a Step's place");
  static_assert(kBroken != Rule::kRunSagaKey,
                "skald: RunSaga takes the saga key that the other definition was defined with");
  static_assert(kBroken != Rule::kReturnsUnknown,
                "skald: Returns(...) names a step that is not declared before it: name a step "
                "of this definition");
  static_assert(kBroken != Rule::kReturnsType,
                "skald: Returns(...) names a step whose output is not the saga's result type: "
                "name another step, or change the result in the SagaKey");
  static_assert(kBroken != Rule::kReturnsSkippable,
                "skald: Returns(...) names a step that can be skipped, or one with ForEach: name a "
                "step that runs once in every run, such as a NoEffect that picks the result");
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
