// Define: a saga as a graph of typed steps, checked by the compiler.
//
//   skald::Definition PlaceOrder(Shop& shop) {
//     using skald::StepContext, skald::Using;
//     return skald::Define(kPlaceOrder)
//         .Step(ReserveStock{},
//               [&](const StepContext& step, const Order& order) { return shop.Reserve(step,
//               order); },
//               [&](const StepContext& step, const Order&, const Reservation* reservation) {
//                 return shop.Release(step, reservation);      // null: it may have run
//               })
//         .Pivot(Charge{}, Using(ReserveStock{}),
//                [&](const StepContext& step, const Order& order, const Reservation& reservation)
//                    -> skald::Task<skald::Verdict<Receipt>> {
//                  co_return co_await shop.bank.Charge(step, order, reservation);
//                },
//                skald::Timeout(absl::Seconds(10)))
//         .Retriable(Ship{}, [&](const StepContext& step, const Order& order) { … })
//         .Returns(Charge{})
//         .Build();
//   }
//
// Steps run in the order in which they are declared. One that names what it follows, by After(…) or
// Using(…), runs beside all others (saga/links.h); When(…) lets a step run in some runs only, and
// ForEach(…) once for each of many items.
//
// An action takes (const StepContext&, const Input&, const Output&... of each step in Using; const
// Output* where that step can be skipped although this one runs) and
// returns its key's Output as T, absl::StatusOr<T>, Verdict<T> or a Task of these; where the key
// has no output also void or absl::Status. A compensation takes (const StepContext&, const Input&,
// const Output*) and optionally a pointer to each used output, and returns void, absl::Status,
// Verdict<Nothing> or a Task of these. Its Output* is null when the action may have run but what it
// gave is not known: it must be right both ways. Parameters may be values or const references, but
// of exactly these types.
//
// Either may instead take a StepCompletion (saga/step_completion.h) as its last parameter, return
// void and say its verdict later.
//
// Functions are plain functions or function objects, move-only ones too, and are called as const,
// for many sagas at once from many threads. What they capture by reference must outlive the
// coordinator. Input, outputs, context and the function itself live until the call has returned, or
// the coroutine's frame is gone. An exception says Unknown.
//
// In a step's place may stand another definition, or RunSaga(…): saga/composition.h.
//
// Whatever is wrong is one sentence from the compiler; what the compiler cannot see is in Validate.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "skald/saga/composition.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/broken.h"
#include "skald/saga/internal/draft.h"
#include "skald/saga/internal/entries.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/step_rules.h"
#include "skald/saga/links.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_context.h"
#include "skald/saga/step_key.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1 {

namespace internal {

inline constexpr unsigned kHasReturns = 1;

}  // namespace internal

// What Define returns. `kState` and `Es` are what has been declared so far. Each call consumes the
// builder and returns the next one; to go on later, std::move it. Links (saga/links.h) stand
// between a step's key and its functions: Using(…), After(…), When(…), Unless(…), ForEach(…).
template <typename Input, typename Result, unsigned kState, typename... Es>
class Builder {
 public:
  explicit Builder(internal::Draft draft) : draft_(std::move(draft)) {}

  // .Step(Key{}, [links…,] action, compensation, modifiers…): has an effect that can be undone.
  // It stands before the pivot, if there is one. Default: 20 attempts, 100 ms to 1 min apart, of
  // action and compensation each.
  // .Step(Key{}, [links…,] definition [, input]): all steps of a definition that has no pivot.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Step(Key /*key*/, Parts&&... parts) && {
    return Call<StepClass::kCompensatable, Key>(std::forward<Parts>(parts)...);
  }
  // .NoEffect(Key{}, [links…,] action, modifiers…): reads or computes; nothing is ever undone. It
  // may stand anywhere; after the pivot it is, like a Retriable, by default tried for ever.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto NoEffect(Key /*key*/, Parts&&... parts) && {
    return Call<StepClass::kNoEffect, Key>(std::forward<Parts>(parts)...);
  }
  // .Pivot(Key{}, [links…,] action, modifiers…): the point of no return: what comes before is
  // undone only as long as this was not done, what comes after is done.
  // .Pivot(Key{}, [links…,] definition [, input]): all steps of a definition that has one.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Pivot(Key /*key*/, Parts&&... parts) && {
    return Call<StepClass::kPivot, Key>(std::forward<Parts>(parts)...);
  }
  // .Retriable(Key{}, [links…,] action, modifiers…): after the pivot; by default tried for ever.
  // .Retriable(Key{}, [links…,] RunSaga(kSaga) [, input]): starts a saga and awaits its end.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Retriable(Key /*key*/, Parts&&... parts) && {
    return Call<StepClass::kRetriable, Key>(std::forward<Parts>(parts)...);
  }

  // .Decide(Key{}, [links…,] predicate): what When(Key{}) and Unless(Key{}) of later steps go by.
  // The predicate takes (const Input&, used outputs…) and returns bool; it is called once, must not
  // block, and its answer is journaled. One that throws is a rejection before the pivot; behind it
  // the saga is stuck. Key's output is bool.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Decide(Key /*key*/, Parts&&... parts) && {
    return Declare<Form::kDecide, StepClass::kNoEffect, Key>(internal::NoLinks{},
                                                             std::forward<Parts>(parts)...);
  }

  // .Sleep(Key{}, [links…,] duration), or a function of (const Input&, used outputs…) that returns
  // an absl::Duration or, to sleep until then, an absl::Time; it is called once, when the sleep
  // begins, and must not block. Durable, never early by engine time; holds no thread. Key has no
  // output.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Sleep(Key /*key*/, Parts&&... parts) && {
    return Declare<Form::kSleep, StepClass::kNoEffect, Key>(internal::NoLinks{},
                                                            std::forward<Parts>(parts)...);
  }
  // .AwaitSignal(Key{}, [links…,] timeout [, compensation, modifiers…]): waits for one
  // Coordinator::Signal of this key, or until the time-out, which counts from when the step could
  // begin; absl::InfiniteDuration(): for ever. Key is a SignalKey; the output is the payload, or
  // nullopt. With a compensation, which is given that output, it stands before the pivot.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto AwaitSignal(Key /*key*/, Parts&&... parts) && {
    return Declare<Form::kAwait, StepClass::kNoEffect, Key>(internal::NoLinks{},
                                                            std::forward<Parts>(parts)...);
  }

  // The step whose output is the saga's result. Required unless the SagaKey has none.
  template <typename Key>
  [[gnu::always_inline]] auto Returns(Key /*key*/) && {
    if constexpr (internal::Obeyed<ReturnsRule<Key>()>()) {
      draft_.SetResult(Entries::template Index<Key>());
      return Builder < Input, Result, kState | internal::kHasReturns, Es... > (std::move(draft_));
    } else {
      return internal::Broken{};
    }
  }
  // How long a saga that has ended stays known: its key, state, reason and result. Default: 7 days.
  [[gnu::always_inline]] Builder Retention(absl::Duration retention) && {
    draft_.SetRetention(retention);
    return std::move(*this);
  }

  // RETURNS: a Definition that still knows its types (TypedDefinition).
  [[gnu::always_inline]] auto Build() && {
    if constexpr (internal::Obeyed<BuildRule()>()) {
      return TypedDefinition<Input, Result, Entries::PivotsOf()>(draft_.Finish());
    } else {
      return Definition(nullptr);
    }
  }

 private:
  enum class Form : uint8_t { kCall, kDecide, kSleep, kAwait };
  using Entries = internal::Entries<Es...>;

  template <StepClass kClass, typename Key, typename... Parts>
  [[gnu::always_inline]] auto Call(Parts&&... parts) {
    return Declare<Form::kCall, kClass, Key>(internal::NoLinks{}, std::forward<Parts>(parts)...);
  }

  // Takes the links off the front, one by one.
  template <Form kForm, StepClass kClass, typename Key, typename L>
  [[gnu::always_inline]] auto Declare(L links) {
    return Add<kForm, kClass, Key>(std::move(links));
  }
  template <Form kForm, StepClass kClass, typename Key, typename L, typename Part,
            typename... Parts>
  [[gnu::always_inline]] auto Declare(L links, Part&& part, Parts&&... parts) {
    using internal::PartKind;
    using internal::Rule;
    constexpr unsigned kKind = internal::kLinkKind<std::decay_t<Part>>;
    constexpr PartKind kPart = internal::kPartKind<std::decay_t<Part>>;
    if constexpr (kPart == PartKind::kRunSaga) {
      return AddSaga<kClass, Key, std::decay_t<Part>>(std::move(links),
                                                      std::forward<Parts>(parts)...);
    } else if constexpr (kPart != PartKind::kNone) {
      constexpr StepClass kActual = kForm == Form::kCall ? kClass : StepClass::kRetriable;
      return AddPart<kActual, Key>(std::move(links), part, std::forward<Parts>(parts)...);
    } else if constexpr (kKind == 0) {
      return Add<kForm, kClass, Key>(std::move(links), std::forward<Part>(part),
                                     std::forward<Parts>(parts)...);
    } else if constexpr (internal::Obeyed<(L::kSeen & kKind) == 0 ? Rule::kNone
                                                                  : Rule::kLinkTwice>()) {
      return Declare<kForm, kClass, Key>(
          internal::AddLink(std::move(links), std::forward<Part>(part)),
          std::forward<Parts>(parts)...);
    } else {
      return internal::Broken{};
    }
  }

  template <Form kForm, StepClass kClass, typename Key, typename L, typename... Parts>
  [[gnu::always_inline]] auto Add(L links, Parts&&... parts) {
    // An await with a compensation has something to undo.
    constexpr bool kUndoes = kForm == Form::kAwait && sizeof...(Parts) > 1;
    constexpr StepClass kActual = kUndoes ? StepClass::kCompensatable : kClass;
    constexpr internal::Rule kBroken = StepRule<kForm, kActual, Key, L, std::decay_t<Parts>...>();
    if constexpr (internal::Obeyed<kBroken>()) {
      return AddRight<kForm, kActual, Key>(std::move(links), std::forward<Parts>(parts)...);
    } else {
      return internal::Broken{};
    }
  }

  template <Form kForm, StepClass kClass, typename Key, typename L, typename... Parts>
  [[gnu::always_inline]] auto AddRight(L links, Parts&&... parts) {
    using Guards = GuardsOf<L>;
    using Given = typename internal::GivenOf<Entries, Guards, typename L::Used>::Type;
    using Item = typename internal::RangeOf<typename L::FanOut, Input, Given>::Item;
    auto step =
        internal::AddTypedStep<kClass, Entries::template IsBeyondPivot<Guards>(), Input, Item,
                               typename Key::Output>(draft_, Key::name(), LinksOf<L>(), Given{});
    if constexpr (kForm == Form::kDecide) {
      step.SetDecision(std::forward<Parts>(parts)...);
    } else if constexpr (kForm == Form::kSleep) {
      step.SetSleep(std::forward<Parts>(parts)...);
    } else if constexpr (kForm == Form::kAwait) {
      step.template SetAwait<typename Key::Payload>();
      internal::FillAwait(step, std::forward<Parts>(parts)...);
    } else {
      step.SetRange(std::move(links.fan_out));
      if constexpr (kClass == StepClass::kCompensatable) {
        internal::FillCompensatable(step, std::forward<Parts>(parts)...);
      } else {
        internal::FillForward(step, std::forward<Parts>(parts)...);
      }
    }
    constexpr unsigned kFlags =
        (kClass == StepClass::kPivot ? internal::kPivotEntry : 0) |
        (kForm == Form::kDecide ? internal::kDecisionEntry : 0) |
        ((L::kSeen & internal::kSeenForEach) != 0 ? internal::kFanOutEntry : 0);
    return Builder<Input, Result, kState, Es..., internal::MakeEntry<Key, Guards, kFlags>>(
        std::move(draft_));
  }

  template <typename L>
  using GuardsOf = typename Entries::template Effective<typename L::Guards>::Type;

  // In numbers of steps.
  template <typename L>
  auto LinksOf() const {
    return LinksOf<L>(typename L::Used{}, typename L::After{});
  }
  template <typename L, typename... Used, typename After>
  auto LinksOf(internal::UsedKeys<Used...> /*used*/, After after) const {
    return internal::TypedLinks<sizeof...(Used)>{
        .used = {{draft_.At(Entries::template Index<Used>()).output...}},
        .after = internal::EndsOf(draft_, {Entries::template Index<Used>()...}, AfterOf(after)),
        .guards = draft_.GuardsAt(Entries::At(typename L::Guards{}))};
  }
  template <typename... Keys>
  static std::optional<std::vector<uint16_t>> AfterOf(internal::AfterKeys<Keys...> /*after*/) {
    return std::vector<uint16_t>{Entries::template Index<Keys>()...};
  }
  static std::optional<std::vector<uint16_t>> AfterOf(internal::NoAfter /*none*/) {
    return std::nullopt;
  }

  // A definition in a step's place.
  template <StepClass kClass, typename Key, typename L, typename Def, typename... Parts>
  [[gnu::always_inline]] auto AddPart(L /*links*/, const Def& part, Parts&&... parts) {
    if constexpr (internal::Obeyed<PartRule<kClass, Key, L, Def, std::decay_t<Parts>...>()>()) {
      using Guards = GuardsOf<L>;
      constexpr bool kPivot = kClass == StepClass::kPivot;
      auto links = LinksOf<L>();
      links.follows_all = kPivot;
      std::optional<uint16_t> input;
      if constexpr (sizeof...(Parts) > 0) {
        using Given = typename internal::GivenOf<Entries, Guards, typename L::Used>::Type;
        input = internal::AddInputStep<Input, typename Def::Input>(
            draft_, Key::name(), links, Given{}, std::forward<Parts>(parts)...);
      }
      draft_.AddPart(Key::name(), part, links.Get(), input);
      constexpr unsigned kFlags = internal::kPartEntry | (kPivot ? internal::kPivotEntry : 0);
      return Builder<Input, Result, kState, Es..., internal::MakeEntry<Key, Guards, kFlags>>(
          std::move(draft_));
    } else {
      return internal::Broken{};
    }
  }
  template <StepClass kClass, typename Key, typename L, typename Def, typename... Parts>
  static consteval internal::Rule PartRule() {
    using internal::Rule;
    constexpr Rule kPlace = internal::PlaceRule<kClass, Key, Entries, L>();
    if constexpr (kPlace != Rule::kNone) {
      return kPlace == Rule::kFanOutPlace ? Rule::kPartForEach : kPlace;
    } else {
      using Given = typename internal::GivenOf<Entries, GuardsOf<L>, typename L::Used>::Type;
      return internal::PartRule<kClass, Key, L, Input, Given, Def, Parts...>();
    }
  }

  // RunSaga in a step's place.
  template <StepClass kClass, typename Key, typename Part, typename L, typename... Parts>
  [[gnu::always_inline]] auto AddSaga(L links, Parts&&... parts) {
    using SagaKeyT = typename Part::SagaKey;
    if constexpr (internal::Obeyed<
                      SagaRule<kClass, Key, L, SagaKeyT, std::decay_t<Parts>...>()>()) {
      using Guards = GuardsOf<L>;
      using Given = typename internal::GivenOf<Entries, Guards, typename L::Used>::Type;
      using Item = typename internal::RangeOf<typename L::FanOut, Input, Given>::Item;
      auto own = LinksOf<L>();
      std::optional<uint16_t> input;
      if constexpr (sizeof...(Parts) > 0) {
        input = internal::AddInputStep<Input, typename SagaKeyT::Input>(
            draft_, Key::name(), own, Given{}, std::forward<Parts>(parts)...);
        own.after = {*input};
      }
      auto step = internal::AddTypedStep<kClass, true, Input, Item, typename Key::Output>(
          draft_, Key::name(), own, Given{});
      step.SetSaga(SagaKeyT::name(), SagaKeyT::version(), input);
      step.SetRange(std::move(links.fan_out));
      constexpr unsigned kFlags =
          (L::kSeen & internal::kSeenForEach) != 0 ? internal::kFanOutEntry : 0;
      return Builder<Input, Result, kState, Es..., internal::MakeEntry<Key, Guards, kFlags>>(
          std::move(draft_));
    } else {
      return internal::Broken{};
    }
  }
  template <StepClass kClass, typename Key, typename L, typename SagaKeyT, typename... Parts>
  static consteval internal::Rule SagaRule() {
    using internal::Rule;
    constexpr Rule kPlace = internal::PlaceRule<kClass, Key, Entries, L>();
    if constexpr (kClass != StepClass::kRetriable) {
      return Rule::kRunSagaPlace;
    } else if constexpr (kPlace == Rule::kRetriableWithoutPivot) {
      return Rule::kRunSagaPlace;
    } else if constexpr (kPlace != Rule::kNone) {
      return kPlace;
    } else {
      using Given = typename internal::GivenOf<Entries, GuardsOf<L>, typename L::Used>::Type;
      return internal::RunSagaRule<kClass, Key, L, Input, Given, SagaKeyT, Parts...>();
    }
  }

  template <Form kForm, StepClass kClass, typename Key, typename L, typename... Parts>
  static consteval internal::Rule StepRule() {
    using internal::Rule;
    constexpr Rule kPlace = internal::PlaceRule<kClass, Key, Entries, L>();
    if constexpr (kPlace != Rule::kNone) {
      return kPlace;
    } else {
      using Given = typename internal::GivenOf<Entries, GuardsOf<L>, typename L::Used>::Type;
      using Range = internal::RangeOf<typename L::FanOut, Input, Given>;
      using Head = typename internal::HeadOf<Input, typename Range::Item>::Type;
      using T = typename Key::Output;
      constexpr bool kFanOut = (L::kSeen & internal::kSeenForEach) != 0;
      if constexpr (kFanOut && kForm != Form::kCall) {
        return Rule::kFanOutPlace;
      } else if constexpr (Range::Broken() != Rule::kNone) {
        return Range::Broken();
      } else if constexpr (kForm == Form::kDecide) {
        return std::is_same_v<T, bool> ? internal::DecideRule<Input, Given, Parts...>()
                                       : Rule::kDecisionKey;
      } else if constexpr (kForm == Form::kSleep) {
        return std::is_same_v<T, Nothing> ? internal::SleepRule<Input, Given, Parts...>()
                                          : Rule::kSleepKey;
      } else if constexpr (kForm == Form::kAwait) {
        return internal::IsSignalKey<Key> ? internal::AwaitRule<Head, T, Given, Parts...>::Broken()
                                          : Rule::kSignalKey;
      } else {
        return internal::PartsRule<kClass, Head, T, Given, Parts...>::Broken();
      }
    }
  }
  template <typename Key>
  static consteval internal::Rule ReturnsRule() {
    using internal::Rule;
    if constexpr ((kState & internal::kHasReturns) != 0) {
      return Rule::kReturnsTwice;
    } else if constexpr (!Entries::template kHas<Key>) {
      return Rule::kReturnsUnknown;
    } else if constexpr (!std::is_same_v<typename Entries::template Of<Key>::Guards,
                                         internal::GuardList<>> ||
                         (Entries::template Of<Key>::kFlags & internal::kFanOutEntry) != 0) {
      return Rule::kReturnsSkippable;
    } else {
      return std::is_same_v<typename Key::Output, Result> ? Rule::kNone : Rule::kReturnsType;
    }
  }
  static consteval internal::Rule BuildRule() {
    using internal::Rule;
    if (sizeof...(Es) == 0) return Rule::kNoSteps;
    const bool returns = std::is_same_v<Result, Nothing> || (kState & internal::kHasReturns) != 0;
    return returns ? Rule::kNone : Rule::kReturnsMissing;
  }

  internal::Draft draft_;
};

// Begins a definition under the name, version and types of `key`, a SagaKey.
template <typename Key>
auto Define(const Key& /*key*/) {
  using internal::Rule;
  if constexpr (internal::Obeyed<internal::IsSagaKey<Key> ? Rule::kNone : Rule::kSagaKey>()) {
    using Input = typename Key::Input;
    return Builder<Input, typename Key::Result, 0>(
        internal::Draft(Key::name(), Key::version(), internal::OpsOf<Input>::Get()));
  } else {
    return internal::Broken{};
  }
}

}  // namespace skald::inline v1
