#include "skald/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace skald::inline v1::internal {

void CheckFailed(const char* condition, const char* file, int line,
                 const std::string& values) noexcept {
  std::fprintf(stderr, "%s:%d: skald check failed: %s%s%s\n", file, line, condition,
               values.empty() ? "" : " with ", values.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace skald::inline v1::internal
