// What an operator sees of sagas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "skald/base/ids.h"
#include "skald/saga/state.h"

namespace skald::inline v1 {

struct SagaInfo {
  SagaId id;
  std::string definition;
  uint32_t version = 0;
  std::string key;
  SagaState state = SagaState::kRunning;
  std::string reason;       // why it turned, is stuck, or was abandoned
  std::string step;         // the step that runs, waits or blocks; empty when terminal
  std::string waiting_for;  // in words: "retry at …", "attempt beyond its deadline", …
  absl::Time started;
  absl::Time updated;     // engine time of the last journaled event
  uint64_t sequence = 0;  // number of journaled events: what Operator::seen_sequence names
};

struct TimelineEvent {
  absl::Time time;
  EventKind kind = EventKind::kStart;
  std::string step;
  std::string text;
};

struct SagaDetails {
  SagaInfo info;
  std::vector<TimelineEvent> timeline;  // empty for a finished saga whose journal is gone
};

struct SagaFilter {
  std::optional<SagaState> state;
  std::string definition;  // empty: all
  bool finished = false;   // also terminal ones
  size_t limit = 1000;
};

}  // namespace skald::inline v1
