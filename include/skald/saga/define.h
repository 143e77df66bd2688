// Define: a saga as a chain of typed steps, checked by the compiler.
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
// Steps run in the order in which they are declared.
//
// An action takes (const StepContext&, const Input&, const Output&... of each step in Using) and
// returns its key's Output as T, absl::StatusOr<T>, Verdict<T> or a Task of these; where the key
// has no output also void or absl::Status. A compensation takes (const StepContext&, const Input&,
// const Output*) and optionally a pointer to each used output, and returns void, absl::Status,
// Verdict<Nothing> or a Task of these. Its Output* is null when the action may have run but what it
// gave is not known: it must be right both ways. Parameters may be values or const references, but
// of exactly these types.
//
// Functions are plain functions or function objects, move-only ones too, and are called as const,
// for many sagas at once from many threads. What they capture by reference must outlive the
// coordinator. Input, outputs, context and the function itself live until the call has returned, or
// the coroutine's frame is gone. An exception says Unknown.
//
// Whatever is wrong is one sentence from the compiler; what the compiler cannot see is in Validate.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/broken.h"
#include "skald/saga/internal/draft.h"
#include "skald/saga/internal/rules.h"
#include "skald/saga/internal/step_rules.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_context.h"
#include "skald/saga/step_key.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1 {

namespace internal {

inline constexpr unsigned kHasPivot = 1;
inline constexpr unsigned kHasReturns = 2;

}  // namespace internal

// What Define returns. `kState` and `Keys` are what has been declared so far. Each call consumes
// the builder and returns the next one; to go on later, std::move it.
template <typename Input, typename Result, unsigned kState, typename... Keys>
class Builder {
 public:
  explicit Builder(internal::Draft draft) : draft_(std::move(draft)) {}

  // .Step(Key{}, [Using(…),] action, compensation, modifiers…): has an effect that can be undone.
  // It stands before the pivot, if there is one. Default: 20 attempts, 100 ms to 1 min apart, of
  // action and compensation each.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Step(Key /*key*/, Parts&&... parts) && {
    return Declare<StepClass::kCompensatable, Key>(std::forward<Parts>(parts)...);
  }
  // .NoEffect(Key{}, [Using(…),] action, modifiers…): reads or computes; nothing is ever undone. It
  // may stand anywhere; after the pivot it is, like a Retriable, by default tried for ever.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto NoEffect(Key /*key*/, Parts&&... parts) && {
    return Declare<StepClass::kNoEffect, Key>(std::forward<Parts>(parts)...);
  }
  // .Pivot(Key{}, [Using(…),] action, modifiers…): the point of no return: what comes before is
  // undone only as long as this was not done, what comes after is done.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Pivot(Key /*key*/, Parts&&... parts) && {
    return Declare<StepClass::kPivot, Key>(std::forward<Parts>(parts)...);
  }
  // .Retriable(Key{}, [Using(…),] action, modifiers…): after the pivot; by default tried for ever.
  template <typename Key, typename... Parts>
  [[gnu::always_inline]] auto Retriable(Key /*key*/, Parts&&... parts) && {
    return Declare<StepClass::kRetriable, Key>(std::forward<Parts>(parts)...);
  }

  // The step whose output is the saga's result. Required unless the SagaKey has none.
  template <typename Key>
  [[gnu::always_inline]] auto Returns(Key /*key*/) && {
    if constexpr (internal::Obeyed<ReturnsRule<Key>()>()) {
      draft_.SetResult(static_cast<uint16_t>(internal::IndexOf<Key, Keys...>()));
      return Builder < Input, Result, kState | internal::kHasReturns, Keys... > (std::move(draft_));
    } else {
      return internal::Broken{};
    }
  }
  // How long a saga that has ended stays known: its key, state, reason and result. Default: 7 days.
  [[gnu::always_inline]] Builder Retention(absl::Duration retention) && {
    draft_.SetRetention(retention);
    return std::move(*this);
  }

  [[gnu::always_inline]] Definition Build() && {
    if constexpr (internal::Obeyed<BuildRule()>()) {
      return draft_.Finish();
    } else {
      return Definition(nullptr);
    }
  }

 private:
  static constexpr bool kAfterPivot = (kState & internal::kHasPivot) != 0;

  template <StepClass kClass, typename Key, typename... Parts>
  [[gnu::always_inline]] auto Declare(Parts&&... parts) {
    return DeclareUsing<kClass, Key>(internal::UsedKeys<>{}, std::forward<Parts>(parts)...);
  }
  template <StepClass kClass, typename Key, typename... Used, typename... Parts>
  [[gnu::always_inline]] auto Declare(internal::UsedKeys<Used...> used, Parts&&... parts) {
    return DeclareUsing<kClass, Key>(used, std::forward<Parts>(parts)...);
  }
  template <StepClass kClass, typename Key, typename... Used, typename... Parts>
  [[gnu::always_inline]] auto DeclareUsing(internal::UsedKeys<Used...> /*used*/, Parts&&... parts) {
    constexpr internal::Rule kBroken =
        StepRule<kClass, Key, internal::UsedKeys<Used...>, std::decay_t<Parts>...>();
    if constexpr (internal::Obeyed<kBroken>()) {
      internal::AddTypedStep<kClass, kAfterPivot, Input, Key, Used...>(
          draft_, {static_cast<uint16_t>(internal::IndexOf<Used, Keys...>())...},
          std::forward<Parts>(parts)...);
      constexpr unsigned kNext = kState | (kClass == StepClass::kPivot ? internal::kHasPivot : 0);
      return Builder<Input, Result, kNext, Keys..., Key>(std::move(draft_));
    } else {
      return internal::Broken{};
    }
  }

  template <StepClass kClass, typename Key, typename Used, typename... Parts>
  static consteval internal::Rule StepRule() {
    using internal::Rule;
    constexpr Rule kPlace =
        internal::PlaceRule<kClass, kAfterPivot, Key>(internal::TypeList<Keys...>{}, Used{});
    if constexpr (kPlace != Rule::kNone) {
      return kPlace;
    } else {
      return internal::PartsRule<kClass, Input, typename Key::Output, Used, Parts...>::Broken();
    }
  }
  template <typename Key>
  static consteval internal::Rule ReturnsRule() {
    using internal::Rule;
    if constexpr ((kState & internal::kHasReturns) != 0) {
      return Rule::kReturnsTwice;
    } else if constexpr (!internal::kIsAmong<Key, Keys...>) {
      return Rule::kReturnsUnknown;
    } else {
      return std::is_same_v<typename Key::Output, Result> ? Rule::kNone : Rule::kReturnsType;
    }
  }
  static consteval internal::Rule BuildRule() {
    using internal::Rule;
    if (sizeof...(Keys) == 0) return Rule::kNoSteps;
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
