// Fold(journal) -> view: what the events of a saga add up to. Pure: no clock, no thread, no I/O.
//
// The same fold runs live, in recovery, in the simulator and in the inspector; an event is first
// folded, then made durable, and nothing follows from it before that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/hash.h"
#include "skald/saga/definition.h"
#include "skald/saga/journal.h"
#include "skald/saga/state.h"

namespace skald::inline v1 {

enum class StepStatus : uint8_t {
  kWaiting,      // no verdict yet
  kDone,         // happened
  kNotRun,       // surely did not happen: never dispatchable, or cleanly rejected
  kMayHaveRun,   // undecided at the turn, gave up, or uncleanly rejected: to be undone without
                 // output
  kUndone,       // compensated, or nothing to undo
  kBlocked,      // gave up where only a person helps: a retriable, an unknown pivot
  kUndoBlocked,  // its compensation gave up
};

SKALD_EXPORT std::string_view ToString(StepStatus status);

// Where something stands in the saga's journal bytes.
struct Slice {
  uint32_t offset = 0;
  uint32_t size = 0;
  std::string_view In(std::string_view journal) const { return journal.substr(offset, size); }
};

struct StepView {
  StepStatus status = StepStatus::kWaiting;
  bool undecided = false;  // kMayHaveRun: a late verdict still counts
  bool unclean = false;    // an earlier give-up or restart means that it may have run
  bool has_output = false;
  Slice output;
  absl::Time since;  // dispatchable (or to be undone) since; restarted by an operator's Retry
};

struct SagaView {
  SagaState state = SagaState::kRunning;
  SagaState direction = SagaState::kRunning;  // kRunning or kCompensating: where Stuck goes back to
  uint32_t sequence = 0;                      // events folded
  bool started_ok = false;
  bool cancel_asked = false;
  bool deadline_passed = false;
  uint32_t version = 0;
  uint64_t fingerprint = 0;
  Hash128 input_fingerprint;
  Slice definition;
  Slice key;
  Slice input;
  Slice reason;  // of the turn, the block, or the abandonment
  uint16_t reason_step = Event::kNoStep;
  absl::Time started;
  absl::Time updated;
  absl::Time deadline = absl::InfiniteFuture();
  absl::InlinedVector<StepView, 4> steps;  // empty while the definition is missing
};

// Applies one event. `offset` is where the event's views' bytes begin: `journal` is the whole
// journal including it, and the views of `event` point into it. `definition` may be null: then only
// states, times and identities are followed. RETURNS: FailedPrecondition  the state refuses the
// event, or it makes no sense for the step
//          DataLoss            the event's recorded state is not what the fold comes to
SKALD_EXPORT absl::Status Fold(SagaView& view, const internal::DefinitionData* definition,
                               std::string_view journal, const Event& event);

// The live side: appends `event` to `journal`, folds it, and records the state it comes to.
// RETURNS: FailedPrecondition as Fold; view and journal are then unchanged.
SKALD_EXPORT absl::Status AppendAndFold(const Event& event, SagaView& view,
                                        const internal::DefinitionData& definition,
                                        std::string* journal);

// Folds a whole journal. RETURNS: as Fold, naming the event's number.
SKALD_EXPORT absl::StatusOr<SagaView> FoldAll(const internal::DefinitionData* definition,
                                              std::string_view journal);

// From the pivot's dispatch on the direction is open; this is what the journal alone says: whether
// a pivot is Done, or could have been dispatched and nothing proves that it was not.
SKALD_EXPORT bool PivotDispatchable(const SagaView& view,
                                    const internal::DefinitionData& definition);

// Whether every predecessor of the step is Done.
SKALD_EXPORT bool Dispatchable(const SagaView& view, const internal::DefinitionData& definition,
                               uint16_t step);

}  // namespace skald::inline v1
