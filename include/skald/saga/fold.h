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
#include "skald/base/internal/rare.h"
#include "skald/base/micro_time.h"
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

// A part of the saga's items.
struct ItemRange {
  uint32_t first;
  uint32_t count;
};

// Where one thing happens, or does not: a step, or one item of a fan-out. There is one of these for
// each step of each saga in memory.
struct PlaceView {
  StepStatus status : 4 = StepStatus::kWaiting;
  bool undecided : 1 = false;   // kMayHaveRun: a late verdict still counts
  bool unclean : 1 = false;     // an earlier give-up or restart means that it may have run
  bool has_output : 1 = false;  // an await's: also a signal that is accepted and not yet taken
  bool sent : 1 = false;        // an attempt was, as far as the journal says; never taken back
  bool begun : 1 = false;       // what it follows is behind it: `since` means something
  // Of steps only:
  bool fans_out : 1 = false;
  bool expanded : 1 = false;  // its items are known: what happens, happens to them
  bool armed : 1 = false;     // a sleep's end is known
  bool answer : 1 = false;    // of a decision that is Done
  uint16_t retries = 0;       // by an operator, of what had blocked
  union {
    uint32_t tried = 0;    // attempts that are journaled, since its long wait for the next one is
    uint32_t parallelism;  // of the items of an expanded step, as it was when they were journaled
  };
  union {
    Slice output = {};
    ItemRange items;  // of an expanded step
  };
  // Dispatchable (or to be undone) since; restarted by an operator's Retry. Of a sleep or an await
  // that has begun: when its time is up.
  MicroTime since;
  // Of the next attempt, where it was put off for long.
  MicroTime not_before = MicroTime::InfinitePast();
};

struct StepView : PlaceView {};

struct ItemView : PlaceView {
  Slice item;
};

// A signal that was accepted: which await has it, its name and its deduplication key.
struct SignalView {
  uint16_t step = 0;
  Slice name;
  Slice key;
};

// What most sagas have nothing of.
struct RareView {
  std::vector<ItemView> items;  // of all fan-outs; StepView says whose
  std::vector<SignalView> signals;
};

struct SagaView {
  SagaState state = SagaState::kRunning;
  SagaState direction = SagaState::kRunning;  // kRunning or kCompensating: where Stuck goes back to
  bool cancel_asked = false;
  bool deadline_passed = false;
  uint16_t reason_step = Event::kNoStep;
  uint32_t sequence = 0;  // events folded
  uint32_t version = 0;
  uint64_t fingerprint = 0;
  Slice definition;
  Slice key;
  Slice input;
  Slice reason;  // of the turn, the block, or the abandonment
  MicroTime updated;
  MicroTime deadline = MicroTime::InfiniteFuture();
  absl::InlinedVector<StepView, 4> steps;  // empty while the definition is missing
  internal::Rare<RareView> rare;

  const std::vector<ItemView>& items() const { return rare->items; }
  std::vector<ItemView>& items() { return rare.Make().items; }
  const std::vector<SignalView>& signals() const { return rare->signals; }

  // What the start says and nothing follows from is read there.
  // REQUIRES: `journal` is the one that was folded. Without any event: zero.
  SKALD_EXPORT absl::Time started(std::string_view journal) const;
  SKALD_EXPORT Hash128 input_fingerprint(std::string_view journal) const;
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
  return index < own.items.count ? &view.items()[own.items.first + index] : nullptr;
}

// The same. REQUIRES: there is one.
inline const PlaceView& PlaceAt(const SagaView& view, uint16_t step, uint32_t index) {
  const StepView& own = view.steps[step];
  return own.expanded ? static_cast<const PlaceView&>(view.items()[own.items.first + index]) : own;
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
