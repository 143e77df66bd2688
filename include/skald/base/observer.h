// How the library tells the host what happens inside it. It prints nothing by itself but through
// the default observer of the coordinator, which one option replaces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

enum class Severity : uint8_t { kInfo = 1, kWarning = 2, kError = 3 };

// One thing worth a line. `subject` names what it concerns (a saga id, a step, a path), `message`
// says what happened and what to do. The views live for the call only.
struct Notice {
  Severity severity = Severity::kInfo;
  // Stable, lower-case: "step-gave-up", "saga-stuck", "store-background-error".
  std::string_view kind;
  std::string_view subject;
  std::string_view message;
  absl::Time time;
};

// THREADS: called from any thread of the library, never under one of its locks. An implementation
// must not block and must not call back into the object that notified it.
class SKALD_EXPORT Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnNotice(const Notice& notice) = 0;
};

}  // namespace skald::inline v1
