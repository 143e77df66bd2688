// What a chain of Define remembers of the steps declared so far, in types alone. A step with
// nothing to remember stands there as its key, to keep symbols short.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/branches.h"
#include "skald/saga/internal/signature.h"
#include "skald/saga/links.h"

namespace skald::inline v1::internal {

inline constexpr unsigned kPivotEntry = 1;
inline constexpr unsigned kDecisionEntry = 2;
inline constexpr unsigned kFanOutEntry = 4;
inline constexpr unsigned kPartEntry = 8;  // a definition stands there

template <typename Key, typename Guards, unsigned kFlags>
struct Entry {};

template <typename E>
struct EntryOf {
  using Key = E;
  using Guards = GuardList<>;
  static constexpr unsigned kFlags = 0;
};
template <typename K, typename G, unsigned kF>
struct EntryOf<Entry<K, G, kF>> {
  using Key = K;
  using Guards = G;
  static constexpr unsigned kFlags = kF;
};
template <typename E>
using KeyOf = typename EntryOf<E>::Key;
template <typename E>
inline constexpr bool kIsPivotEntry = (EntryOf<E>::kFlags & kPivotEntry) != 0;

template <typename Key, typename Guards, unsigned kFlags>
using MakeEntry = std::conditional_t<kFlags == 0 && std::is_same_v<Guards, GuardList<>>, Key,
                                     Entry<Key, Guards, kFlags>>;

// Of `Key` among `Keys`; their count when it is not there.
template <typename Key, typename... Keys>
consteval size_t IndexOf() {
  size_t index = 0;
  (void)((std::is_same_v<Key, Keys> ? true : (++index, false)) || ...);
  return index;
}
template <typename Key, typename... Keys>
inline constexpr bool kIsAmong = (std::is_same_v<Key, Keys> || ...);

template <size_t kIndex, typename... Es>
struct EntryAt {
  using Type = void;
};
template <typename E, typename... Es>
struct EntryAt<0, E, Es...> {
  using Type = E;
};
template <size_t kIndex, typename E, typename... Es>
  requires(kIndex > 0)
struct EntryAt<kIndex, E, Es...> : EntryAt<kIndex - 1, Es...> {};

template <typename... Lists>
struct JoinGuards;
template <typename... As>
struct JoinGuards<GuardList<As...>> {
  using Type = GuardList<As...>;
};
template <typename... As, typename... Bs, typename... Rest>
struct JoinGuards<GuardList<As...>, GuardList<Bs...>, Rest...>
    : JoinGuards<GuardList<As..., Bs...>, Rest...> {};

// What is known of the steps declared so far.
template <typename... Es>
struct Entries {
  template <typename Key>
  static consteval uint16_t Index() {
    return static_cast<uint16_t>(IndexOf<Key, KeyOf<Es>...>());
  }
  template <typename Key>
  static constexpr bool kHas = kIsAmong<Key, KeyOf<Es>...>;
  template <typename Key>
  using Of = EntryOf<typename EntryAt<IndexOf<Key, KeyOf<Es>...>(), Es...>::Type>;

  template <typename Key>
  static consteval bool IsDecision() {
    if constexpr (!kHas<Key>) {
      return false;
    } else {
      return (Of<Key>::kFlags & kDecisionEntry) != 0;
    }
  }

  // A step's own guards and those of its decisions. REQUIRES: they are declared.
  template <typename List>
  struct Effective;
  template <typename... Gs>
  struct Effective<GuardList<Gs...>> {
    using Type =
        typename JoinGuards<GuardList<Gs...>, typename Of<typename Gs::Decision>::Guards...>::Type;
  };

  template <typename... Gs>
  static constexpr Guards At(GuardList<Gs...> /*guards*/) {
    return Guards{{Index<typename Gs::Decision>(), Gs::kWhen}...};
  }

  // Of every pivot.
  static constexpr std::vector<Guards> AllPivots() {
    std::vector<Guards> pivots;
    (AddPivot<Es>(pivots), ...);
    return pivots;
  }
  template <typename E>
  static constexpr void AddPivot(std::vector<Guards>& pivots) {
    if constexpr (kIsPivotEntry<E>) pivots.push_back(At(typename EntryOf<E>::Guards{}));
  }

  // A pivot that can run in the same run as a step with these guards.
  template <typename List>
  static consteval bool HasPivotBeside() {
    if constexpr ((kIsPivotEntry<Es> || ...)) {
      const Guards guards = At(List{});
      for (const Guards& pivot : AllPivots()) {
        if (!AreExclusive(guards, pivot)) return true;
      }
    }
    return false;
  }
  // Whenever a step with these guards runs, a pivot has run before it.
  template <typename List>
  static consteval bool IsBeyondPivot() {
    if constexpr ((kIsPivotEntry<Es> || ...)) {
      return IsCovered(At(List{}), AllPivots());
    } else {
      return false;
    }
  }
  static consteval Pivots PivotsOf() {
    if constexpr (!(kIsPivotEntry<Es> || ...)) {
      return Pivots::kNone;
    } else {
      return IsBeyondPivot<GuardList<>>() ? Pivots::kInEveryRun : Pivots::kInSomeRuns;
    }
  }
  // There is no output of `Key` to be had.
  template <typename Key>
  static consteval bool GivesNothing() {
    return (Of<Key>::kFlags & kPartEntry) != 0 && std::is_same_v<typename Key::Output, Nothing>;
  }
  template <typename Key, typename List>
  static consteval bool RunsWhenever() {
    return Implies(At(List{}), At(typename Of<Key>::Guards{}));
  }
  template <typename Key, typename List>
  static consteval bool NeverRunsWith() {
    return AreExclusive(At(List{}), At(typename Of<Key>::Guards{}));
  }

  // How a function is given the output of `Key`: const Gs&, Gs = Output, std::vector<Output> of a
  // fan-out, or a pointer to it where there may be none.
  template <typename Key, typename List>
  struct Given {
    using Value = std::conditional_t<(Of<Key>::kFlags & kFanOutEntry) != 0,
                                     std::vector<typename Key::Output>, typename Key::Output>;
    using Type = std::conditional_t<RunsWhenever<Key, List>(), Value, const Value*>;
  };
};

template <typename G>
using GivenPointer = std::conditional_t<std::is_pointer_v<G>, G, const G*>;

}  // namespace skald::inline v1::internal
