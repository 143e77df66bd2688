// Between a user's typed function and the barrier's bytes.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/codec.h"
#include "skald/base/export.h"
#include "skald/base/verdict.h"
#include "skald/participant/decide.h"
#include "skald/store/committer.h"

namespace skald::inline v1::internal {

// What runs inside a call; `recorded` is the action's encoded output, for compensations.
// `Rows` is what the user's function is given: skald::Transaction, or a host's own batch.
template <typename Rows>
using BodyOver = absl::FunctionRef<BarrierReply(Rows& rows, std::string_view recorded)>;
using BarrierBody = BodyOver<Transaction>;
using BarrierDone = absl::AnyInvocable<void(BarrierReply) &&>;

SKALD_EXPORT BarrierReply ReplyNotDone(NotDone not_done);
SKALD_EXPORT BarrierReply ReplyUnknown(std::string_view doing, const absl::Status& status);
// Of the exception in flight. REQUIRES: called in a handler.
SKALD_EXPORT BarrierReply ReplyException();
SKALD_EXPORT NotDone NotDoneOf(BarrierReply&& reply);

template <typename R>
struct OutputOfResult {
  using Type = R;
};
template <>
struct OutputOfResult<void> {
  using Type = Nothing;
};
template <>
struct OutputOfResult<absl::Status> {
  using Type = Nothing;
};
template <typename T>
struct OutputOfResult<absl::StatusOr<T>> {
  using Type = T;
};
template <typename T>
struct OutputOfResult<Verdict<T>> {
  using Type = T;
};
template <typename Function, typename... Arguments>
using OutputOf = typename OutputOfResult<
    std::remove_cvref_t<std::invoke_result_t<Function&, Arguments...>>>::Type;

template <typename T>
BarrierReply ReplyDone(const T& output) {
  BarrierReply reply{.kind = VerdictKind::kDone};
  const absl::Status status = skald::Encode(output, &reply.text);
  return status.ok() ? reply : ReplyUnknown("encoding the output", status);
}

template <typename T>
BarrierReply ReplyOf(const T& output) {
  return ReplyDone(output);
}
template <typename T>
BarrierReply ReplyOf(const Verdict<T>& verdict) {
  return verdict.done() ? ReplyDone(verdict.output()) : ReplyNotDone(verdict.not_done());
}
template <typename T>
BarrierReply ReplyOf(const absl::StatusOr<T>& result) {
  return result.ok() ? ReplyDone(*result) : ReplyNotDone(FromStatus(result.status()));
}
inline BarrierReply ReplyOf(const absl::Status& status) {
  return status.ok() ? ReplyDone(Nothing{}) : ReplyNotDone(FromStatus(status));
}

template <typename Function, typename... Arguments>
BarrierReply CallUser(Function& function, Arguments&... arguments) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Function&, Arguments&...>>) {
      function(arguments...);
      return ReplyDone(Nothing{});
    } else {
      return ReplyOf(function(arguments...));
    }
  } catch (...) {
    return ReplyException();
  }
}

template <typename Rows, typename Function>
auto ActionBody(Function& function) {
  return [&function](Rows& rows, std::string_view) { return CallUser(function, rows); };
}

template <typename Rows, typename T, typename Function>
auto CompensationBody(Function& function) {
  static_assert(
      std::is_same_v<OutputOf<Function, Rows&, const T&>, Nothing>,
      "skald: a compensation's function returns nothing, absl::Status or Verdict<Nothing>");
  return [&function](Rows& rows, std::string_view recorded) {
    const absl::StatusOr<T> output = skald::Decode<T>(recorded);
    if (!output.ok()) return ReplyUnknown("decoding the action's output", output.status());
    return CallUser(function, rows, *output);
  };
}

// A Reconcile never runs anything.
template <typename Rows>
auto NoBody() {
  return [](Rows&, std::string_view) { return BarrierReply{}; };
}

template <typename T>
Verdict<T> ToVerdict(BarrierReply reply) {
  if (reply.kind != VerdictKind::kDone) return NotDoneOf(std::move(reply));
  absl::StatusOr<T> output = skald::Decode<T>(reply.text);
  if (!output.ok()) {
    return NotDoneOf(ReplyUnknown("decoding the recorded output", output.status()));
  }
  return *std::move(output);
}

template <typename T>
BarrierDone TypedDone(absl::AnyInvocable<void(Verdict<T>) &&> done) {
  return [done = std::move(done)](BarrierReply reply) mutable {
    std::move(done)(ToVerdict<T>(std::move(reply)));
  };
}

}  // namespace skald::inline v1::internal
