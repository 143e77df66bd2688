// A tiny world around Decide for one key: calls that read, decide, commit and answer, a floor that
// rises, is written and drops the row, and a crash that forgets all that is not committed. Walk
// visits every order of these events and checks after each that nothing impossible has happened.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "skald/participant/decide.h"

namespace skald::testing {

// What an adapter must do; each switched off must be noticed.
struct ModelRules {
  bool commit_requires_row = true;        // a commit fails when the row changed since it was read
  bool floor_after_row = true;            // the floor is looked at when the row has been read
  bool drop_waits_for_older = true;       // no drop while a call that may have read the row runs
  bool floor_written_before_drop = true;  // the row goes only when the floor is durable
};

struct WalkResult {
  size_t states = 0;
  std::optional<std::string> violation;  // the first found
  // How often the walk ended a call in each way, so that a test sees that it went everywhere.
  size_t done = 0, rejected = 0, rejected_for_key = 0, retry_later = 0, unknown = 0, lost = 0;
};

// REQUIRES: at most five calls.
WalkResult Walk(const std::vector<BarrierVerb>& calls, const ModelRules& rules);

}  // namespace skald::testing
