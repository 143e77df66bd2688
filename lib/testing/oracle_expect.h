// How the oracle checks: what all its files share.
#pragma once

#include <fmt/core.h>

#include <string>

#include "saga_model.h"
#include "skald/testing/oracle.h"

namespace skald::inline v1 {

// The parts are put together only when it does not hold.
template <typename... Parts>
bool Oracle::Expect(Promise promise, bool holds, const Parts&... parts) {
  if (holds) {
    ++checks_[static_cast<size_t>(promise)];
    return true;
  }
  std::string what;
  ((what += fmt::format("{}", parts)), ...);
  Check(promise, false, what);
  return false;
}

namespace internal {

inline std::string Name(const SagaModel& model) {
  return fmt::format("saga {} ('{}', key '{}')", ToString(model.id()), model.definition_name(),
                     model.key());
}

}  // namespace internal
}  // namespace skald::inline v1
