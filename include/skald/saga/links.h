// What may stand between a step's key and its functions: how the step hangs on the others. Each at
// most once, in any order.
//
//   .Step(PackGift{}, After(ReserveStock{}), When(IsGift{}), pack, unpack)
//
// A step that names no predecessor follows everything that is declared before it and can run with
// it. One that names some, by After(...) or Using(...), follows these alone, and runs beside all
// others. The pivot always follows everything before it, and everything after it follows the pivot.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace skald::inline v1 {

// Instances of one fan-out: bounds what its range may give, and what one event of it costs.
inline constexpr uint32_t kFanOutMax = 10'000;
// Enough to keep a participant busy without flooding it.
inline constexpr uint32_t kParallelismDefault = 16;

namespace internal {

template <typename... Keys>
struct UsedKeys {};
template <typename... Keys>
struct AfterKeys {};
// A decision, and which answer of it lets the step run.
template <typename Key, bool kAnswer>
struct Guard {
  using Decision = Key;
  static constexpr bool kWhen = kAnswer;
};
template <typename... Guards>
struct GuardList {};
template <typename Range>
struct FanOutPart {
  Range range;
  uint32_t parallelism;
};

}  // namespace internal

// The functions are given these steps' outputs, after the input, in this order; the step follows
// them. An output comes as const Output&; as const Output*, null when there is none, where its step
// can be skipped although this one runs.
template <typename... Keys>
constexpr internal::UsedKeys<Keys...> Using(Keys... /*keys*/) {
  return {};
}

// The step follows these. After() alone: it follows nothing, and can run at once.
template <typename... Keys>
constexpr internal::AfterKeys<Keys...> After(Keys... /*keys*/) {
  return {};
}

// The step runs only if all these decisions (Builder::Decide) came out true; otherwise it is
// skipped. It follows them, and whatever else it follows without them.
template <typename... Keys>
constexpr internal::GuardList<internal::Guard<Keys, true>...> When(Keys... /*decisions*/) {
  return {};
}
// The step runs only if none of these decisions came out true.
template <typename... Keys>
constexpr internal::GuardList<internal::Guard<Keys, false>...> Unless(Keys... /*decisions*/) {
  return {};
}

// The step runs once for each item of `range`, at most `parallelism` at a time, in the order of the
// items: an instance begins when fewer than `parallelism` are begun and undecided. `range`
// takes (const Input&, then the outputs of Using) and gives a std::vector of items; it is called
// once, must not block, and what it gave is journaled before the first instance runs. The step's
// functions take the item after the input; each instance has its own idempotency key, and is
// compensated alone. Whoever uses the step is given a std::vector of its outputs, in the order of
// the items.
//
// A range that throws or gives more than kFanOutMax items is a rejection before the pivot; behind
// it the saga is stuck.
template <typename Range>
internal::FanOutPart<std::decay_t<Range>> ForEach(Range&& range,
                                                  uint32_t parallelism = kParallelismDefault) {
  return {std::forward<Range>(range), parallelism};
}

}  // namespace skald::inline v1
