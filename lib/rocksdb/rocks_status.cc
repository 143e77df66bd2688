#include "rocks_status.h"

#include <fmt/core.h>

#include <string>

namespace skald::inline v1::rocks {
namespace {

bool Says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  const std::string message = fmt::format("{}: {}", doing, text);
  if (status.IsNoSpace() || Says(text, "No space left on device")) {
    return absl::ResourceExhaustedError(message + ". Free some space on the disk");
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (Says(text, "Permission denied") || Says(text, "Read-only file system") ||
      Says(text, "Operation not permitted")) {
    return absl::PermissionDeniedError(message + ". The directory must be writable");
  }
  if (status.IsInvalidArgument()) return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

}  // namespace skald::inline v1::rocks
