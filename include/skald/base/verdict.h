// What one attempt of an action or a compensation says about itself.
//
// A step function may return a plain value, an absl::Status, an absl::StatusOr or a Verdict. The
// last says most: only a Verdict can say RetryLater ("this attempt changed nothing, ask again";
// when the step then gives up it is undone all the same, since a copy of a request may come late)
// and RejectedForKey ("the participant's record says that no attempt under this key did or will
// happen").
//
//   skald::Verdict<Receipt> Charge(...) {
//     if (declined) return skald::Rejected("card declined");
//     if (busy)     return skald::RetryLater("gateway busy", absl::Seconds(2));
//     return receipt;                                  // Done
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// Persisted; numbers are never reused.
enum class VerdictKind : uint8_t {
  kDone = 1,            // happened
  kRejected = 2,        // will never happen; this attempt changed nothing
  kRejectedForKey = 3,  // the same, from the participant's record: no attempt did or will happen
  kRetryLater = 4,      // not now; this attempt changed nothing
  kUnknown = 5,         // may have happened
};

SKALD_EXPORT std::string_view ToString(VerdictKind kind);

// The default map from a status code: what surely changed nothing is Rejected, everything that may
// have happened is Unknown (a connection can break after the server acted).
SKALD_EXPORT VerdictKind VerdictKindOf(absl::StatusCode code);

// Every verdict but Done: no output, a reason, and for RetryLater perhaps a delay.
struct NotDone {
  VerdictKind kind = VerdictKind::kUnknown;
  std::string reason;
  std::optional<absl::Duration> delay;
  // Of the status that said so; kOk: it was said in another way.
  absl::StatusCode code = absl::StatusCode::kOk;
};

inline NotDone Rejected(std::string reason) {
  return {VerdictKind::kRejected, std::move(reason), std::nullopt};
}
inline NotDone RejectedForKey(std::string reason) {
  return {VerdictKind::kRejectedForKey, std::move(reason), std::nullopt};
}
inline NotDone RetryLater(std::string reason, std::optional<absl::Duration> delay = std::nullopt) {
  return {VerdictKind::kRetryLater, std::move(reason), delay};
}
inline NotDone Unknown(std::string reason) {
  return {VerdictKind::kUnknown, std::move(reason), std::nullopt};
}
// REQUIRES: !status.ok().
SKALD_EXPORT NotDone FromStatus(const absl::Status& status);

// The output of a step that has none to give.
struct Nothing {
  friend auto operator<=>(const Nothing&, const Nothing&) = default;
};

template <typename T>
class [[nodiscard]] Verdict {
 public:
  using Output = T;

  Verdict(T output) : output_(std::move(output)) {}              // NOLINT: Done, implicitly
  Verdict(NotDone not_done) : not_done_(std::move(not_done)) {}  // NOLINT: implicit by design

  bool done() const { return output_.has_value(); }
  VerdictKind kind() const { return done() ? VerdictKind::kDone : not_done_.kind; }
  // REQUIRES: done().
  const T& output() const& { return *output_; }
  T&& output() && { return *std::move(output_); }
  // Empty when done().
  const std::string& reason() const { return not_done_.reason; }
  std::optional<absl::Duration> delay() const { return not_done_.delay; }
  // REQUIRES: !done().
  const NotDone& not_done() const { return not_done_; }

 private:
  std::optional<T> output_;
  NotDone not_done_;
};

inline Verdict<Nothing> Done() {
  return Nothing{};
}
template <typename T>
Verdict<std::decay_t<T>> Done(T&& output) {
  return Verdict<std::decay_t<T>>(std::forward<T>(output));
}

}  // namespace skald::inline v1
