// Which rule a step's functions and modifiers break, each looked at alone.
#pragma once

#include <concepts>
#include <type_traits>

#include "skald/base/verdict.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/say.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_context.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1::internal {

template <typename Input, typename T, typename F, typename... Used>
consteval Rule ActionRule(UsedKeys<Used...> /*used*/) {
  constexpr Fit kFit = FitOf<F, StepContext, Input, typename Used::Output...>();
  if constexpr (kFit == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else if constexpr (kFit == Fit::kWrong) {
    return Rule::kActionParameters;
  } else {
    using R = std::invoke_result_t<const F&, const StepContext&, const Input&,
                                   const typename Used::Output&...>;
    return kSays<Awaited<std::remove_cvref_t<R>>, T> ? Rule::kNone : Rule::kActionResult;
  }
}

template <typename Input, typename T, typename F, typename... Used>
consteval Rule ReconcileRule(UsedKeys<Used...> used) {
  constexpr Rule kRule = ActionRule<Input, T, F>(used);
  if constexpr (kRule == Rule::kActionParameters) {
    return Rule::kReconcileParameters;
  } else if constexpr (kRule == Rule::kNone) {
    using R = std::invoke_result_t<const F&, const StepContext&, const Input&,
                                   const typename Used::Output&...>;
    constexpr bool kVerdict = std::is_same_v<Awaited<std::remove_cvref_t<R>>, Verdict<T>>;
    return kVerdict ? Rule::kNone : Rule::kReconcileResult;
  } else {
    return kRule == Rule::kActionResult ? Rule::kReconcileResult : kRule;
  }
}

// A compensation that is also given the used outputs.
template <typename Input, typename T, typename F, typename... Used>
inline constexpr Fit kLongFit = FitOf<F, StepContext, Input, const T*, const Used*...>();
template <typename Input, typename T, typename F>
inline constexpr Fit kShortFit = FitOf<F, StepContext, Input, const T*>();

template <typename Input, typename T, typename F, typename... Used>
consteval Rule CompensationRule(UsedKeys<Used...> /*used*/) {
  constexpr Fit kShort = kShortFit<Input, T, F>;
  constexpr Fit kLong = kLongFit<Input, T, F, typename Used::Output...>;
  if constexpr (kShort == Fit::kFits) {
    using R = std::invoke_result_t<const F&, const StepContext&, const Input&, const T*>;
    return kSays<Awaited<std::remove_cvref_t<R>>, Nothing> ? Rule::kNone
                                                           : Rule::kCompensationResult;
  } else if constexpr (kLong == Fit::kFits) {
    using R = std::invoke_result_t<const F&, const StepContext&, const Input&, const T*,
                                   const typename Used::Output*...>;
    return kSays<Awaited<std::remove_cvref_t<R>>, Nothing> ? Rule::kNone
                                                           : Rule::kCompensationResult;
  } else if constexpr (kShort == Fit::kMutable || kLong == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else {
    return std::is_same_v<ThirdParameter<F>, T> ? Rule::kCompensationOutput
                                                : Rule::kCompensationParameters;
  }
}

template <typename T>
inline constexpr bool kIsModifier = requires {
  { T::kKind } -> std::same_as<const ModifierKind&>;
};

template <typename One, typename... All>
inline constexpr bool kTwice = ((One::kKind == All::kKind ? 1 : 0) + ...) > 1;

template <StepClass kClass, typename Input, typename T, typename Used, typename Modifier>
consteval Rule ModifierRule() {
  if constexpr (Modifier::kKind == ModifierKind::kCompensationRetry) {
    return kClass == StepClass::kCompensatable ? Rule::kNone : Rule::kCompensationRetryPlace;
  } else if constexpr (Modifier::kKind != ModifierKind::kReconcile) {
    return Rule::kNone;
  } else if constexpr (kClass != StepClass::kPivot) {
    return Rule::kReconcilePlace;
  } else {
    return ReconcileRule<Input, T, decltype(Modifier::function)>(Used{});
  }
}

template <StepClass kClass, typename Input, typename T, typename Used, typename... Modifiers>
consteval Rule ModifiersRule() {
  if constexpr (!(kIsModifier<Modifiers> && ...)) {
    return Rule::kModifier;
  } else {
    Rule rule = Rule::kNone;
    [[maybe_unused]] const auto look = [&rule](bool twice, Rule own) {
      if (rule == Rule::kNone) rule = twice ? Rule::kRepeatedModifier : own;
    };
    (look(kTwice<Modifiers, Modifiers...>, ModifierRule<kClass, Input, T, Used, Modifiers>()), ...);
    return rule;
  }
}

}  // namespace skald::inline v1::internal
