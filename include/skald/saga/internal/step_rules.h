// Which rule a step's declaration breaks first, found from types alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "skald/saga/internal/function_rules.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/modifiers.h"
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
