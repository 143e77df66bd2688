// Which rule a step's declaration breaks first, found from types alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "skald/base/verdict.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/say.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_context.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1::internal {

template <typename Key>
concept IsStepKey = requires {
  typename Key::Output;
  { Key::name() } -> std::same_as<std::string_view>;
};
template <typename Key>
concept IsSagaKey = requires {
  typename Key::Input;
  typename Key::Result;
  { Key::name() } -> std::same_as<std::string_view>;
  Key::version();
};

template <typename T>
inline constexpr bool kIsModifier = requires {
  { T::kKind } -> std::same_as<const ModifierKind&>;
};
template <typename T>
inline constexpr bool kIsUsing = false;
template <typename... Keys>
inline constexpr bool kIsUsing<UsedKeys<Keys...>> = true;

// Of `Key` among `Keys`; their count when it is not there.
template <typename Key, typename... Keys>
consteval size_t IndexOf() {
  size_t index = 0;
  (void)((std::is_same_v<Key, Keys> ? true : (++index, false)) || ...);
  return index;
}
template <typename Key, typename... Keys>
inline constexpr bool kIsAmong = (std::is_same_v<Key, Keys> || ...);

template <StepClass kClass, bool kAfterPivot, typename Key, typename... Earlier, typename... Used>
consteval Rule PlaceRule(TypeList<Earlier...> /*earlier*/, UsedKeys<Used...> /*used*/) {
  if constexpr (!IsStepKey<Key>) {
    return Rule::kStepKey;
  } else {
    if (kClass == StepClass::kCompensatable && kAfterPivot) return Rule::kStepAfterPivot;
    if (kClass == StepClass::kPivot && kAfterPivot) return Rule::kSecondPivot;
    if (kClass == StepClass::kRetriable && !kAfterPivot) return Rule::kRetriableWithoutPivot;
    if (((Key::name() == Earlier::name()) || ...)) return Rule::kRepeatedName;
    if (!(kIsAmong<Used, Earlier...> && ...)) return Rule::kUnknownUse;
    return Rule::kNone;
  }
}

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

// Meant as a function, right or wrong: not a modifier, nor a value in its place.
template <typename Input, typename T, typename F>
consteval bool LooksLikeFunction() {
  if constexpr (kIsModifier<F>) {
    return false;
  } else if constexpr (!std::is_void_v<typename Parameters<F>::Decayed>) {
    return true;
  } else {
    return kShortFit<Input, T, F> != Fit::kWrong;
  }
}

// What follows the action: for a Step its compensation, and then modifiers.
template <StepClass kClass, typename Input, typename T, typename Used, typename... Rest>
struct RestRule {
  static consteval Rule Broken() {
    return kClass == StepClass::kCompensatable ? Rule::kMissingCompensation : Rule::kNone;
  }
};
template <StepClass kClass, typename Input, typename T, typename Used, typename F, typename... Rest>
struct RestRule<kClass, Input, T, Used, F, Rest...> {
  static consteval Rule Broken() {
    constexpr bool kFunction = LooksLikeFunction<Input, T, F>();
    if constexpr (kClass != StepClass::kCompensatable) {
      return kFunction ? Rule::kSurplusCompensation
                       : ModifiersRule<kClass, Input, T, Used, F, Rest...>();
    } else if constexpr (!kFunction) {
      return kIsModifier<F> || std::is_class_v<F> ? Rule::kMissingCompensation
                                                  : Rule::kCompensationParameters;
    } else {
      constexpr Rule kRule = CompensationRule<Input, T, F>(Used{});
      if constexpr (kRule != Rule::kNone) {
        return kRule;
      } else {
        return ModifiersRule<kClass, Input, T, Used, Rest...>();
      }
    }
  }
};

// What follows the key and Using(...).
template <StepClass kClass, typename Input, typename T, typename Used, typename... Parts>
struct PartsRule {
  static consteval Rule Broken() { return Rule::kMissingAction; }
};
template <StepClass kClass, typename Input, typename T, typename Used, typename F, typename... Rest>
struct PartsRule<kClass, Input, T, Used, F, Rest...> {
  static consteval Rule Broken() {
    if constexpr (kIsUsing<F> || (kIsUsing<Rest> || ...)) {
      return Rule::kUsingPlace;
    } else if constexpr (kIsModifier<F>) {
      return Rule::kMissingAction;
    } else {
      constexpr Rule kRule = ActionRule<Input, T, F>(Used{});
      if constexpr (kRule != Rule::kNone) {
        return kRule;
      } else {
        return RestRule<kClass, Input, T, Used, Rest...>::Broken();
      }
    }
  }
};

}  // namespace skald::inline v1::internal
