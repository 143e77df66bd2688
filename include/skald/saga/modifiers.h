// What may stand behind a step's functions: how it is tried. Each at most once, in any order.
//
//   .Pivot(Charge{}, Using(RedeemCoupon{}), charge, Timeout(absl::Seconds(10)), Once(),
//          Reconcile(ask_the_bank))
//
// What is left out is as saga/step_options.h says; a step after the pivot is by default tried for
// ever (RetryPolicy::Forever()).
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1 {

namespace internal {

enum class ModifierKind : uint8_t {
  kInline,
  kOnce,
  kGuarded,
  kTimeout,
  kRetry,
  kCompensationRetry,
  kReconcile,
};

template <ModifierKind kKindOf, auto kField>
struct OptionModifier {
  static constexpr ModifierKind kKind = kKindOf;
  std::remove_cvref_t<decltype(std::declval<StepOptions&>().*kField)> value;

  void ApplyTo(StepOptions& options) const { options.*kField = value; }
};
using InlineModifier = OptionModifier<ModifierKind::kInline, &StepOptions::runs_inline>;
using OnceModifier = OptionModifier<ModifierKind::kOnce, &StepOptions::once>;
using GuardedModifier = OptionModifier<ModifierKind::kGuarded, &StepOptions::guarded>;
using TimeoutModifier = OptionModifier<ModifierKind::kTimeout, &StepOptions::timeout>;
using RetryModifier = OptionModifier<ModifierKind::kRetry, &StepOptions::retry>;
using CompensationRetryModifier =
    OptionModifier<ModifierKind::kCompensationRetry, &StepOptions::compensation_retry>;

template <typename Function>
struct ReconcileModifier {
  static constexpr ModifierKind kKind = ModifierKind::kReconcile;
  Function function;
};

}  // namespace internal

// The step's functions never block: they may run on the coordinator's own loop, which saves two
// changes of thread and stops every other saga of the shard while they run. A coroutine may be
// inline too: it runs there until it first waits, and must not block on the way.
inline internal::InlineModifier Inline() {
  return {true};
}

// The action is never sent again after an Unknown or a restart: for what has no idempotency key.
// The step gives up instead, as one that may have run.
inline internal::OnceModifier Once() {
  return {true};
}

// A barrier (participant/barrier.h) at the other end orders the step's attempts: after a time-out
// the next one need not wait until the late one has ended.
inline internal::GuardedModifier Guarded() {
  return {true};
}

// How long one attempt may take, action or compensation; its StepContext carries the deadline.
inline internal::TimeoutModifier Timeout(absl::Duration timeout) {
  return {timeout};
}

// When the action is tried again, and when it gives up.
inline internal::RetryModifier Retry(RetryPolicy policy) {
  return {policy};
}

// The same for the compensation of a Step.
inline internal::CompensationRetryModifier CompensationRetry(RetryPolicy policy) {
  return {policy};
}

// For the Pivot: asks what became of an action whose outcome stayed unknown. `function` takes what
// the action takes, StepContext::idempotency_key() is the action's, and it gives a Verdict of the
// output (or a Task of one): Done with what happened; RejectedForKey only when the participant's
// record makes sure that the action will not happen any more, late; anything else: still unknown.
template <typename Function>
internal::ReconcileModifier<std::decay_t<Function>> Reconcile(Function&& function) {
  return {std::forward<Function>(function)};
}

}  // namespace skald::inline v1
