// Which rule a step's declaration breaks first, found from types alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "absl/time/time.h"
#include "skald/saga/composition.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/entries.h"
#include "skald/saga/internal/function_rules.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/links.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1::internal {

template <typename Key>
concept IsStepKey = requires {
  typename Key::Output;
  { Key::name() } -> std::same_as<std::string_view>;
};
template <typename Key>
concept IsSignalKey = IsStepKey<Key> && requires { typename Key::Payload; };
template <typename Key>
concept IsSagaKey = requires {
  typename Key::Input;
  typename Key::Result;
  { Key::name() } -> std::same_as<std::string_view>;
  Key::version();
};

// ---- links --------------------------------------------------------------------------------------

struct NoAfter {};

// What stands between a step's key and its functions, sorted.
template <typename UsedT = void, typename AfterT = NoAfter, typename GuardsT = GuardList<>,
          unsigned kSeenT = 0, typename FanOutT = NoFanOut>
struct Links {
  using Used = UsedT;
  using After = AfterT;
  using Guards = GuardsT;  // the step's own
  using FanOut = FanOutT;
  static constexpr unsigned kSeen = kSeenT;
  [[no_unique_address]] FanOutT fan_out;
};
using NoLinks = Links<UsedKeys<>>;

inline constexpr unsigned kSeenUsing = 1;
inline constexpr unsigned kSeenAfter = 2;
inline constexpr unsigned kSeenWhen = 4;
inline constexpr unsigned kSeenUnless = 8;
inline constexpr unsigned kSeenForEach = 16;

// 0: no link.
template <typename T>
inline constexpr unsigned kLinkKind = 0;
template <typename... Keys>
inline constexpr unsigned kLinkKind<UsedKeys<Keys...>> = kSeenUsing;
template <typename... Keys>
inline constexpr unsigned kLinkKind<AfterKeys<Keys...>> = kSeenAfter;
template <>
inline constexpr unsigned kLinkKind<GuardList<>> = kSeenWhen;
template <typename G, typename... Gs>
inline constexpr unsigned kLinkKind<GuardList<G, Gs...>> = G::kWhen ? kSeenWhen : kSeenUnless;
template <typename F>
inline constexpr unsigned kLinkKind<FanOutPart<F>> = kSeenForEach;

template <typename L, typename... Keys>
auto AddLink(L links, UsedKeys<Keys...> /*used*/) {
  return Links<UsedKeys<Keys...>, typename L::After, typename L::Guards, L::kSeen | kSeenUsing,
               typename L::FanOut>{std::move(links.fan_out)};
}
template <typename L, typename... Keys>
auto AddLink(L links, AfterKeys<Keys...> /*after*/) {
  return Links<typename L::Used, AfterKeys<Keys...>, typename L::Guards, L::kSeen | kSeenAfter,
               typename L::FanOut>{std::move(links.fan_out)};
}
template <typename L, typename... Gs>
auto AddLink(L links, GuardList<Gs...> /*guards*/) {
  using Joined = typename JoinGuards<typename L::Guards, GuardList<Gs...>>::Type;
  return Links<typename L::Used, typename L::After, Joined, L::kSeen | kLinkKind<GuardList<Gs...>>,
               typename L::FanOut>{std::move(links.fan_out)};
}
template <typename L, typename F>
auto AddLink(L /*links*/, FanOutPart<F> fan_out) {
  return Links<typename L::Used, typename L::After, typename L::Guards, L::kSeen | kSeenForEach,
               FanOutPart<F>>{std::move(fan_out)};
}

// ---- places -------------------------------------------------------------------------------------

template <typename Es, typename... Used>
consteval bool AllKnown(UsedKeys<Used...> /*used*/) {
  return (Es::template kHas<Used> && ...);
}
template <typename Es, typename... Keys>
consteval bool AllKnown(AfterKeys<Keys...> /*after*/) {
  return (Es::template kHas<Keys> && ...);
}
template <typename Es>
consteval bool AllKnown(NoAfter /*after*/) {
  return true;
}
template <typename Es, typename... Gs>
consteval bool AllDecisions(GuardList<Gs...> /*guards*/) {
  return (Es::template IsDecision<typename Gs::Decision>() && ...);
}
template <typename Es, typename Guards, typename... Used>
consteval bool SomeNeverRuns(UsedKeys<Used...> /*used*/) {
  return (Es::template NeverRunsWith<Used, Guards>() || ...);
}
template <typename Es, typename... Used>
consteval bool SomeGiveNothing(UsedKeys<Used...> /*used*/) {
  return (Es::template GivesNothing<Used>() || ...);
}
template <typename Es, typename Key>
inline constexpr bool kRepeatsName = false;
template <typename... Es, typename Key>
inline constexpr bool kRepeatsName<Entries<Es...>, Key> =
    ((Key::name() == KeyOf<Es>::name()) || ...);

// `Es`: Entries<…> of what is declared so far.
template <StepClass kClass, typename Key, typename Es, typename L>
consteval Rule PlaceRule() {
  if constexpr (!IsStepKey<Key>) {
    return Rule::kStepKey;
  } else if constexpr (kRepeatsName<Es, Key>) {
    return Rule::kRepeatedName;
  } else if constexpr (!AllKnown<Es>(typename L::Used{})) {
    return Rule::kUnknownUse;
  } else if constexpr (!AllKnown<Es>(typename L::After{})) {
    return Rule::kUnknownAfter;
  } else if constexpr (!AllDecisions<Es>(typename L::Guards{})) {
    return Rule::kUnknownWhen;
  } else {
    using OwnGuards = typename Es::template Effective<typename L::Guards>::Type;
    constexpr bool kPivotBeside = Es::template HasPivotBeside<OwnGuards>();
    if constexpr (kClass == StepClass::kCompensatable && kPivotBeside) {
      return Rule::kStepAfterPivot;
    } else if constexpr (kClass == StepClass::kPivot && kPivotBeside) {
      return Rule::kSecondPivot;
    } else if constexpr (kClass == StepClass::kRetriable &&
                         !Es::template IsBeyondPivot<OwnGuards>()) {
      return Rule::kRetriableWithoutPivot;
    } else if constexpr (kClass == StepClass::kPivot && (L::kSeen & kSeenAfter) != 0) {
      return Rule::kAfterOfPivot;
    } else if constexpr (kClass == StepClass::kPivot && (L::kSeen & kSeenForEach) != 0) {
      return Rule::kFanOutPlace;
    } else if constexpr (SomeNeverRuns<Es, OwnGuards>(typename L::Used{})) {
      return Rule::kUseOfExclusive;
    } else if constexpr (SomeGiveNothing<Es>(typename L::Used{})) {
      return Rule::kUseOfNothing;
    } else {
      return Rule::kNone;
    }
  }
}

// How the functions of a step are given the used outputs.
template <typename Es, typename Guards, typename Used>
struct GivenOf;
template <typename Es, typename Guards, typename... Used>
struct GivenOf<Es, Guards, UsedKeys<Used...>> {
  using Type = TypeList<typename Es::template Given<Used, Guards>::Type...>;
};

// ---- parts --------------------------------------------------------------------------------------

// Meant as a function, right or wrong: not a modifier, nor a value in its place.
template <typename Head, typename T, typename F>
consteval bool LooksLikeFunction() {
  if constexpr (kIsModifier<F>) {
    return false;
  } else if constexpr (!std::is_void_v<typename Parameters<F>::Decayed>) {
    return true;
  } else {
    return kFits<F, ShortUndo<Head, T>> != Fit::kWrong;
  }
}

// What follows the action: for a Step its compensation, and then modifiers.
template <StepClass kClass, typename Head, typename T, typename Given, typename... Rest>
struct RestRule {
  static consteval Rule Broken() {
    return kClass == StepClass::kCompensatable ? Rule::kMissingCompensation : Rule::kNone;
  }
};
template <StepClass kClass, typename Head, typename T, typename Given, typename F, typename... Rest>
struct RestRule<kClass, Head, T, Given, F, Rest...> {
  static consteval Rule Broken() {
    constexpr bool kFunction = LooksLikeFunction<Head, T, F>();
    if constexpr (kClass != StepClass::kCompensatable) {
      return kFunction ? Rule::kSurplusCompensation
                       : ModifiersRule<kClass, Head, T, Given, F, Rest...>();
    } else if constexpr (!kFunction) {
      return kIsModifier<F> || std::is_class_v<F> ? Rule::kMissingCompensation
                                                  : Rule::kCompensationParameters;
    } else {
      constexpr Rule kRule = CompensationRule<Head, T, F, Given>();
      if constexpr (kRule != Rule::kNone) {
        return kRule;
      } else {
        return ModifiersRule<kClass, Head, T, Given, Rest...>();
      }
    }
  }
};

// What follows the key and the links.
template <StepClass kClass, typename Head, typename T, typename Given, typename... Parts>
struct PartsRule {
  static consteval Rule Broken() { return Rule::kMissingAction; }
};
template <StepClass kClass, typename Head, typename T, typename Given, typename F, typename... Rest>
struct PartsRule<kClass, Head, T, Given, F, Rest...> {
  static consteval Rule Broken() {
    if constexpr (((kLinkKind<Rest> != 0) || ...)) {
      return Rule::kLinkPlace;
    } else if constexpr (kIsModifier<F>) {
      return Rule::kMissingAction;
    } else {
      constexpr Rule kRule = ActionRule<Head, T, F, Given>();
      if constexpr (kRule != Rule::kNone) {
        return kRule;
      } else {
        return RestRule<kClass, Head, T, Given, Rest...>::Broken();
      }
    }
  }
};

template <typename Input, typename Given, typename... Parts>
consteval Rule DecideRule() {
  if constexpr (sizeof...(Parts) != 1) {
    return ((kLinkKind<Parts> != 0) || ...) ? Rule::kLinkPlace : Rule::kDecisionFunction;
  } else {
    Rule rule = Rule::kNone;
    ((rule = DecisionRule<Input, Parts, Given>()), ...);
    return rule;
  }
}

template <typename Input, typename Given, typename F>
consteval Rule SleepTimeRule() {
  if constexpr (std::is_same_v<F, absl::Duration>) {
    return Rule::kNone;
  } else {
    using Es = Join<TypeList<Input>, Given>;
    constexpr Fit kFit = kFits<F, Es>;
    if constexpr (kFit == Fit::kFits) {
      using R = std::remove_cvref_t<CallResult<F, Es>>;
      constexpr bool kTime = std::is_same_v<R, absl::Duration> || std::is_same_v<R, absl::Time>;
      return kTime ? Rule::kNone : Rule::kSleepTime;
    } else {
      return kFit == Fit::kMutable ? Rule::kMutableFunction : Rule::kSleepTime;
    }
  }
}
template <typename Input, typename Given, typename... Parts>
consteval Rule SleepRule() {
  if constexpr (sizeof...(Parts) != 1) {
    return ((kLinkKind<Parts> != 0) || ...) ? Rule::kLinkPlace : Rule::kSleepTime;
  } else {
    Rule rule = Rule::kNone;
    ((rule = SleepTimeRule<Input, Given, Parts>()), ...);
    return rule;
  }
}

// Behind AwaitSignal's key and links: a time-out, and perhaps a compensation with modifiers.
template <typename Head, typename T, typename Given, typename... Parts>
struct AwaitRule {
  static consteval Rule Broken() { return Rule::kSignalTimeout; }
};
template <typename Head, typename T, typename Given, typename... Rest>
struct AwaitRule<Head, T, Given, absl::Duration, Rest...> {
  static consteval Rule Broken() {
    if constexpr (sizeof...(Rest) == 0) {
      return Rule::kNone;
    } else {
      return RestRule<StepClass::kCompensatable, Head, T, Given, Rest...>::Broken();
    }
  }
};

// ---- composition --------------------------------------------------------------------------------

// What stands in a step's place and is no function.
enum class PartKind : unsigned char { kNone, kDefinition, kUntyped, kRunSaga };
template <typename T>
inline constexpr PartKind kPartKind =
    std::is_same_v<T, Definition> ? PartKind::kUntyped : PartKind::kNone;
template <typename I, typename R, Pivots kP>
inline constexpr PartKind kPartKind<TypedDefinition<I, R, kP>> = PartKind::kDefinition;
template <typename Key>
inline constexpr PartKind kPartKind<RunSagaPart<Key>> = PartKind::kRunSaga;

// How what stands there gets its input, a `Wanted`, when `Own` is what it would be given anyhow.
template <typename Wanted, typename Own, typename Input, typename Given, typename... Parts>
struct InputRule {
  static consteval Rule Broken() { return Rule::kPartInput; }
};
template <typename Own, typename Input>
struct InputRule<Own, Own, Input, TypeList<>> {
  static consteval Rule Broken() { return Rule::kNone; }
};
template <typename Wanted, typename Own, typename Input, typename Given, typename F>
struct InputRule<Wanted, Own, Input, Given, F> {
  static consteval Rule Broken() {
    using Es = Join<TypeList<Input>, Given>;
    constexpr Fit kFit = kFits<F, Es>;
    if constexpr (kLinkKind<F> != 0) {
      return Rule::kLinkPlace;
    } else if constexpr (kFit == Fit::kFits) {
      using R = std::remove_cvref_t<CallResult<F, Es>>;
      return std::is_same_v<R, Wanted> ? Rule::kNone : Rule::kPartInput;
    } else {
      return kFit == Fit::kMutable ? Rule::kMutableFunction : Rule::kPartInput;
    }
  }
};

// A definition in the place of a step of this class. REQUIRES: PlaceRule is obeyed.
template <StepClass kClass, typename Key, typename L, typename Input, typename Given, typename Def,
          typename... Parts>
consteval Rule PartRule() {
  constexpr bool kAsPivot = kClass == StepClass::kPivot;
  if constexpr (kClass != StepClass::kCompensatable && !kAsPivot) {
    return Rule::kPartPlace;
  } else if constexpr (kPartKind<Def> == PartKind::kUntyped) {
    return Rule::kPartUntyped;
  } else if constexpr (Def::kPivots != (kAsPivot ? Pivots::kInEveryRun : Pivots::kNone)) {
    return Rule::kPartPivot;
  } else if constexpr ((L::kSeen & kSeenForEach) != 0) {
    return Rule::kPartForEach;
  } else if constexpr (!std::is_same_v<typename Key::Output, typename Def::Result>) {
    return Rule::kPartResult;
  } else {
    return InputRule<typename Def::Input, Input, Input, Given, Parts...>::Broken();
  }
}

// RunSaga in the place of a step of this class. REQUIRES: PlaceRule is obeyed.
template <StepClass kClass, typename Key, typename L, typename Input, typename Given,
          typename SagaKeyT, typename... Parts>
consteval Rule RunSagaRule() {
  using Range = RangeOf<typename L::FanOut, Input, Given>;
  if constexpr (kClass != StepClass::kRetriable) {
    return Rule::kRunSagaPlace;
  } else if constexpr (!IsSagaKey<SagaKeyT>) {
    return Rule::kRunSagaKey;
  } else if constexpr (Range::Broken() != Rule::kNone) {
    return Range::Broken();
  } else if constexpr (!std::is_same_v<typename Key::Output, typename SagaKeyT::Result>) {
    return Rule::kPartResult;
  } else if constexpr ((L::kSeen & kSeenForEach) != 0) {
    // The items are its inputs.
    return InputRule<typename SagaKeyT::Input, typename Range::Item, Input, TypeList<>,
                     Parts...>::Broken() == Rule::kNone &&
                   sizeof...(Parts) == 0
               ? Rule::kNone
               : Rule::kPartInput;
  } else {
    return InputRule<typename SagaKeyT::Input, Input, Input, Given, Parts...>::Broken();
  }
}

}  // namespace skald::inline v1::internal
