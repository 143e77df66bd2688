// Invariants: what must hold unless skald itself is wrong. A caller's mistake is a Status, not a
// check.
//
//   SKALD_CHECK(number == last_ + 1, "number={} last={}", number, last_);   // in every build
//   SKALD_DCHECK(std::is_sorted(...));                                       // debug builds only
#pragma once

#include <fmt/core.h>

#include <string>

#include "skald/base/export.h"

namespace skald::inline v1::internal {
// Prints one line with place, condition and values to stderr, then aborts.
[[noreturn]] SKALD_EXPORT void CheckFailed(const char* condition, const char* file, int line,
                                           const std::string& values) noexcept;
}  // namespace skald::inline v1::internal

// The format must be a literal; its arguments are evaluated only when the check fails.
#define SKALD_CHECK(condition, ...)                                  \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::skald::internal::CheckFailed(#condition, __FILE__, __LINE__, \
                                     ::fmt::format("" __VA_ARGS__)); \
  } while (false)

// Only where SKALD_DEBUG_CHECKS is defined (debug and sanitizer builds): for hot paths. Elsewhere
// the condition must compile, but is not evaluated.
#if !defined(SKALD_DEBUG_CHECKS)
#define SKALD_DCHECK(condition, ...)                              \
  do {                                                            \
    if (false) SKALD_CHECK(condition __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
#else
#define SKALD_DCHECK(condition, ...) SKALD_CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
