// What a user's function says, as an AttemptResult.
#pragma once

#include <exception>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/async/task.h"
#include "skald/base/codec.h"
#include "skald/base/export.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// REQUIRES: `result` is as Reset() leaves it, for all of these.
SKALD_EXPORT void SayNotDone(AttemptResult& result, NotDone not_done);
// REQUIRES: !status.ok().
SKALD_EXPORT void SayStatus(AttemptResult& result, const absl::Status& status);
// Within a catch block: may have happened.
SKALD_EXPORT void SayException(AttemptResult& result);
SKALD_EXPORT void SayException(AttemptResult& result, const std::exception_ptr& error);
// What a range that gives more than kFanOutMax items comes to.
SKALD_EXPORT NotDone TooManyItems(size_t count);
// Done, but its output is lost.
SKALD_EXPORT void SayOutputFailed(AttemptResult& result, const absl::Status& status);

// COST: no allocation when result.text has room and the codec needs none.
template <typename T>
void SayDone(AttemptResult& result, const T& output) {
  result.kind = VerdictKind::kDone;
  absl::Status status = skald::Encode<T>(output, &result.text);
  if (!status.ok()) [[unlikely]]
    SayOutputFailed(result, status);
}

// What a Task gives; anything else gives itself.
template <typename R>
struct AwaitedOf {
  using Type = R;
};
template <typename R>
struct AwaitedOf<Task<R>> {
  using Type = R;
};
template <typename R>
using Awaited = typename AwaitedOf<R>::Type;
template <typename R>
inline constexpr bool kIsTask = !std::is_same_v<Awaited<R>, R>;

// What a function of a step with output T may say, once awaited.
template <typename R, typename T>
inline constexpr bool kSays =
    std::is_same_v<R, T> || std::is_same_v<R, absl::StatusOr<T>> || std::is_same_v<R, Verdict<T>> ||
    (std::is_same_v<T, Nothing> && (std::is_void_v<R> || std::is_same_v<R, absl::Status>));

template <typename T, typename R>
void Say(AttemptResult& result, R&& said) {
  using Said = std::remove_cvref_t<R>;
  static_assert(kSays<Said, T>);
  if constexpr (std::is_same_v<Said, T>) {
    SayDone<T>(result, said);
  } else if constexpr (std::is_same_v<Said, Verdict<T>>) {
    if (said.done()) return SayDone<T>(result, said.output());
    SayNotDone(result, said.not_done());
  } else if constexpr (std::is_same_v<Said, absl::StatusOr<T>>) {
    if (said.ok()) return SayDone<T>(result, *said);
    SayStatus(result, said.status());
  } else {
    if (said.ok()) return SayDone<T>(result, T{});
    SayStatus(result, said);
  }
}

}  // namespace skald::inline v1::internal
