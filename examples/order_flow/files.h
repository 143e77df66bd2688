// Small files that must be whole: the manifest of a data directory, reports.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace order_flow {

// Writes a new file beside `path`, syncs it and puts it in the place of the old one: after a crash
// or a power loss there is the old content or the new. A device such as /dev/stdout is just
// written. RETURNS: what the system says, naming `path`.
absl::Status ReplaceFile(const std::string& path, std::string_view content);

// RETURNS: NotFound, or what the system says; OutOfRange for more than a mebibyte.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// The code that fits an errno.
absl::Status SystemError(int error, std::string_view doing, const std::string& path);

}  // namespace order_flow
