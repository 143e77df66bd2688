// A whole run, and a whole audit: what main() does once the command line is read.
#pragma once

#include "absl/status/statusor.h"
#include "options.h"

namespace order_flow {

inline constexpr int kExitOk = 0;
inline constexpr int kExitWrong = 1;  // an error, or books that are wrong
inline constexpr int kExitInterrupted = 130;

// RETURNS: the exit code. THREADS: once a process, since it installs handlers for signals.
absl::StatusOr<int> Run(const RunOptions& options);

absl::StatusOr<int> RunAudit(const AuditOptions& options);

}  // namespace order_flow
