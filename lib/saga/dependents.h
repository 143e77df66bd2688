// Reverse order: which steps have everything that depends on them out of the way, directly or by
// way of other steps. Steps stand behind their predecessors, so one pass from the end will do.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "skald/base/internal/sabotage.h"
#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// `settled(step)`: nothing of the step itself is left to undo. A step that has nothing to undo does
// not let what stands before it go ahead of what stands behind it.
template <typename Settled>
absl::InlinedVector<bool, 8> DependentsSettled(const DefinitionData& definition, Settled settled) {
  absl::InlinedVector<bool, 8> clear(definition.steps.size(), true);
  for (size_t step = definition.steps.size(); step-- > 0;) {
    const bool behind = clear[step] || SKALD_SABOTAGED(kShortSightedOrder);
    if (behind && settled(static_cast<uint16_t>(step))) continue;
    for (const uint16_t before : definition.steps[step].predecessors) clear[before] = false;
  }
  return clear;
}

}  // namespace skald::inline v1::internal
