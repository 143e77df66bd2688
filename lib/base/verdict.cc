#include "skald/base/verdict.h"

#include <fmt/format.h>

#include "skald/base/check.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

std::string_view ToString(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kDone:
      return "Done";
    case VerdictKind::kRejected:
      return "Rejected";
    case VerdictKind::kRejectedForKey:
      return "RejectedForKey";
    case VerdictKind::kRetryLater:
      return "RetryLater";
    case VerdictKind::kUnknown:
      return "Unknown";
  }
  return "?";
}

VerdictKind VerdictKindOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return VerdictKind::kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return VerdictKind::kRejected;
    default:
      return VerdictKind::kUnknown;
  }
}

NotDone FromStatus(const absl::Status& status) {
  SKALD_CHECK(!status.ok());
  return {VerdictKindOf(status.code()),
          fmt::format("{}: {}", absl::StatusCodeToString(status.code()), ToStd(status.message())),
          std::nullopt, status.code()};
}

}  // namespace skald::inline v1
