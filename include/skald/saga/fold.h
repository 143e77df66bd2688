// Fold(journal) -> view: what the events of a saga add up to. Pure: no clock, no thread, no I/O.
//
// The same fold runs live, in recovery, in the simulator and in the inspector; an event is first
// folded, then made durable, and nothing follows from it before that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
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
  kSkipped,      // a decision says that it does not run
};

SKALD_EXPORT std::string_view ToString(StepStatus status);

// Where something stands in the saga's journal bytes.
struct Slice {
  uint32_t offset = 0;
  uint32_t size = 0;
  std::string_view In(std::string_view journal) const { return journal.substr(offset, size); }
};

// Where one thing happens, or does not: a step, or one item of a fan-out.
struct PlaceView {
  StepStatus status = StepStatus::kWaiting;
  bool begun = false;       // what it follows is behind it: `since` means something
  bool undecided = false;   // kMayHaveRun: a late verdict still counts
  bool unclean = false;     // an earlier give-up or restart means that it may have run
  bool has_output = false;  // an await's: also a signal that is accepted and not yet taken
  bool sent = false;        // an attempt was, as far as the journal says; never taken back
  uint16_t retries = 0;     // by an operator, of what had blocked
  uint32_t tried = 0;       // attempts that are journaled, since its long wait for the next one is
  Slice output;
  // Dispatchable (or to be undone) since; restarted by an operator's Retry. Of a sleep or an await
  // that has begun: when its time is up.
  absl::Time since;
  absl::Time not_before =
      absl::InfinitePast();  // of the next attempt, where it was put off for long
};

struct StepView : PlaceView {
  bool fans_out = false;
  bool expanded = false;  // its items are known: what happens, happens to them
  bool armed = false;     // a sleep's end is known
  bool answer = false;    // of a decision that is Done
  uint32_t first_item = 0;
  uint32_t item_count = 0;
  uint32_t parallelism = 1;  // of its items, as it was when they were journaled
};

struct ItemView : PlaceView {
  Slice item;
};

// A signal that was accepted: which await has it, its name and its deduplication key.
struct SignalView {
  uint16_t step = 0;
  Slice name;
  Slice key;
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
  std::vector<ItemView> items;             // of all fan-outs; StepView says whose
  std::vector<SignalView> signals;
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

// The place of (step, index), or null: there is none.
inline const PlaceView* FindPlace(const SagaView& view, uint16_t step, uint32_t index) {
  if (step >= view.steps.size()) return nullptr;
  const StepView& own = view.steps[step];
  if (!own.expanded) return index == (own.fans_out ? Event::kWhole : 0) ? &own : nullptr;
  return index < own.item_count ? &view.items[own.first_item + index] : nullptr;
}

// The same. REQUIRES: there is one.
inline const PlaceView& PlaceAt(const SagaView& view, uint16_t step, uint32_t index) {
  const StepView& own = view.steps[step];
  return own.expanded ? static_cast<const PlaceView&>(view.items[own.first_item + index]) : own;
}

// `index`: 0 of a step, an item's of a fan-out; Event::kWhole of one whose items are not known yet.
using PlaceFn = absl::FunctionRef<void(uint16_t step, uint32_t index)>;

// Everything that waits and may go on as far as the journal says: what it follows is Done or
// skipped, and of a fan-out it is one of the items that have begun, or there is room for it. After
// a restart each of these may have run.
SKALD_EXPORT void ForEachDispatchable(const SagaView& view,
                                      const internal::DefinitionData& definition, PlaceFn call);
SKALD_EXPORT bool Dispatchable(const SagaView& view, const internal::DefinitionData& definition,
                               uint16_t step, uint32_t index);

// A pivot before the step is Done: from here on everything is tried until it is Done.
SKALD_EXPORT bool IsBeyondPivot(const SagaView& view, const internal::DefinitionData& definition,
                                uint16_t step);

// Whether an await takes a signal now. RETURNS:
//   Unavailable         too early: a decision or a pivot may still skip it, or the saga is stuck
//   FailedPrecondition  never (again): it has one, its time was up, it was skipped, the saga turned
SKALD_EXPORT absl::Status MayTakeSignal(const SagaView& view,
                                        const internal::DefinitionData& definition, uint16_t step);

}  // namespace skald::inline v1
