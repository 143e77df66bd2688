// Which rule a step's functions and modifiers break, each looked at alone.
//
// `Head` are the types that every function of a step is given first: StepContext, Input and, with
// ForEach, the item. `Given` are those of the used outputs.
#pragma once

#include <concepts>
#include <type_traits>
#include <vector>

#include "skald/base/verdict.h"
#include "skald/saga/internal/entries.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/say.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_completion.h"
#include "skald/saga/step_context.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1::internal {

// Its last parameter is a completion of T, behind `Es`.
template <typename F, typename Es, typename T>
inline constexpr Fit kCompletionFit = kFits<F, Join<Es, TypeList<StepCompletion<T>>>>;
template <typename F, typename Es, typename T>
inline constexpr bool kTakesCompletion = kCompletionFit<F, Es, T> == Fit::kFits;

template <typename Head, typename T, typename F, typename Given>
consteval Rule ActionRule() {
  using Es = Join<Head, Given>;
  constexpr Fit kFit = kFits<F, Es>;
  if constexpr (kCompletionFit<F, Es, T> == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else if constexpr (kTakesCompletion<F, Es, T>) {
    using R = CallResult<F, Join<Es, TypeList<StepCompletion<T>>>>;
    return std::is_void_v<R> ? Rule::kNone : Rule::kCompletionResult;
  } else if constexpr (kFit == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else if constexpr (kFit == Fit::kWrong) {
    return Rule::kActionParameters;
  } else {
    using R = std::remove_cvref_t<CallResult<F, Es>>;
    return kSays<Awaited<R>, T> ? Rule::kNone : Rule::kActionResult;
  }
}

template <typename Head, typename T, typename F, typename Given>
consteval Rule ReconcileRule() {
  constexpr Rule kRule = ActionRule<Head, T, F, Given>();
  if constexpr (kRule == Rule::kActionParameters) {
    return Rule::kReconcileParameters;
  } else if constexpr (kTakesCompletion<F, Join<Head, Given>, T>) {
    return Rule::kReconcileResult;
  } else if constexpr (kRule == Rule::kNone) {
    using R = std::remove_cvref_t<CallResult<F, Join<Head, Given>>>;
    constexpr bool kVerdict = std::is_same_v<Awaited<R>, Verdict<T>>;
    return kVerdict ? Rule::kNone : Rule::kReconcileResult;
  } else {
    return kRule == Rule::kActionResult ? Rule::kReconcileResult : kRule;
  }
}

template <typename List>
struct AsPointers;
template <typename... Gs>
struct AsPointers<TypeList<Gs...>> {
  using Type = TypeList<GivenPointer<Gs>...>;
};

// What a compensation takes, without and with the used outputs.
template <typename Head, typename T>
using ShortUndo = Join<Head, TypeList<const T*>>;
template <typename Head, typename T, typename Given>
using LongUndo = Join<ShortUndo<Head, T>, typename AsPointers<Given>::Type>;

template <typename Head, typename T, typename F, typename Given>
consteval Rule CompensationRule() {
  constexpr Fit kShort = kFits<F, ShortUndo<Head, T>>;
  constexpr Fit kLong = kFits<F, LongUndo<Head, T, Given>>;
  using Done = TypeList<StepCompletion<Nothing>>;
  if constexpr (kTakesCompletion<F, ShortUndo<Head, T>, Nothing>) {
    using R = CallResult<F, Join<ShortUndo<Head, T>, Done>>;
    return std::is_void_v<R> ? Rule::kNone : Rule::kCompletionResult;
  } else if constexpr (kTakesCompletion<F, LongUndo<Head, T, Given>, Nothing>) {
    using R = CallResult<F, Join<LongUndo<Head, T, Given>, Done>>;
    return std::is_void_v<R> ? Rule::kNone : Rule::kCompletionResult;
  } else if constexpr (kShort == Fit::kFits || kLong == Fit::kFits) {
    using Es =
        std::conditional_t<kShort == Fit::kFits, ShortUndo<Head, T>, LongUndo<Head, T, Given>>;
    using R = std::remove_cvref_t<CallResult<F, Es>>;
    return kSays<Awaited<R>, Nothing> ? Rule::kNone : Rule::kCompensationResult;
  } else if constexpr (kShort == Fit::kMutable || kLong == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else {
    using Own = typename ParameterBehind<typename Parameters<F>::Decayed, Head>::Type;
    return std::is_same_v<Own, T> ? Rule::kCompensationOutput : Rule::kCompensationParameters;
  }
}

template <typename Input, typename F, typename Given>
consteval Rule DecisionRule() {
  using Es = Join<TypeList<Input>, Given>;
  constexpr Fit kFit = kFits<F, Es>;
  if constexpr (kFit == Fit::kMutable) {
    return Rule::kMutableFunction;
  } else if constexpr (kFit == Fit::kWrong) {
    return Rule::kDecisionFunction;
  } else {
    return std::is_same_v<CallResult<F, Es>, bool> ? Rule::kNone : Rule::kDecisionFunction;
  }
}

// The items that a range gives; void when it gives something else.
template <typename R>
struct ItemOf {
  using Type = void;
};
template <typename Item>
struct ItemOf<std::vector<Item>> {
  using Type = Item;
};

struct NoFanOut {};
// What a step's links say of its instances: the item's type, void without ForEach.
template <typename FanOut, typename Input, typename Given>
struct RangeOf {
  using Item = void;
  static consteval Rule Broken() { return Rule::kNone; }
};
template <typename F, typename Input, typename Given>
struct RangeOf<FanOutPart<F>, Input, Given> {
  using Es = Join<TypeList<Input>, Given>;
  static constexpr Fit kFit = kFits<F, Es>;
  template <bool kFitsWell, typename = void>
  struct Result {
    using Type = void;
  };
  template <typename Dummy>
  struct Result<true, Dummy> {
    using Type = std::remove_cvref_t<CallResult<F, Es>>;
  };
  using Item = typename ItemOf<typename Result<kFit == Fit::kFits>::Type>::Type;
  static consteval Rule Broken() {
    if (kFit == Fit::kMutable) return Rule::kMutableFunction;
    return std::is_void_v<Item> ? Rule::kRange : Rule::kNone;
  }
};

template <typename Input, typename Item>
struct HeadOf {
  using Type = TypeList<StepContext, Input, Item>;
};
template <typename Input>
struct HeadOf<Input, void> {
  using Type = TypeList<StepContext, Input>;
};

template <typename T>
inline constexpr bool kIsModifier = requires {
  { T::kKind } -> std::same_as<const ModifierKind&>;
};

template <typename One, typename... All>
inline constexpr bool kTwice = ((One::kKind == All::kKind ? 1 : 0) + ...) > 1;

template <StepClass kClass, typename Head, typename T, typename Given, typename Modifier>
consteval Rule ModifierRule() {
  if constexpr (Modifier::kKind == ModifierKind::kCompensationRetry) {
    return kClass == StepClass::kCompensatable ? Rule::kNone : Rule::kCompensationRetryPlace;
  } else if constexpr (Modifier::kKind != ModifierKind::kReconcile) {
    return Rule::kNone;
  } else if constexpr (kClass != StepClass::kPivot) {
    return Rule::kReconcilePlace;
  } else {
    return ReconcileRule<Head, T, decltype(Modifier::function), Given>();
  }
}

template <StepClass kClass, typename Head, typename T, typename Given, typename... Modifiers>
consteval Rule ModifiersRule() {
  if constexpr (!(kIsModifier<Modifiers> && ...)) {
    return Rule::kModifier;
  } else {
    Rule rule = Rule::kNone;
    [[maybe_unused]] const auto look = [&rule](bool twice, Rule own) {
      if (rule == Rule::kNone) rule = twice ? Rule::kRepeatedModifier : own;
    };
    (look(kTwice<Modifiers, Modifiers...>, ModifierRule<kClass, Head, T, Given, Modifiers>()), ...);
    return rule;
  }
}

}  // namespace skald::inline v1::internal
