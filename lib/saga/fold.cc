#include "skald/saga/fold.h"

#include <fmt/core.h>

#include <utility>

#include "fold_events.h"
#include "settle.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

using internal::DefinitionData;
using internal::FoldStart;
using internal::FoldStepEvent;
using internal::NoSense;
using internal::NoteSignal;
using internal::Settle;
using internal::SliceOf;

absl::StatusOr<SagaState> Apply(SagaView& view, const DefinitionData* definition,
                                std::string_view journal, const Event& event) {
  if (event.kind == EventKind::kStart) {
    SKALD_RETURN_IF_ERROR(FoldStart(view, definition, journal, event));
    return definition == nullptr ? event.state_after : Settle(view, *definition);
  }
  if (view.sequence == 0) return NoSense(event, "the saga has not started");
  if (ReactionOf(view.state, event.kind) == Reaction::kRefuse) {
    return absl::FailedPreconditionError(
        fmt::format("a saga that is {} refuses {}", ToString(view.state), ToString(event.kind)));
  }
  const bool abandons = event.kind == EventKind::kOperatorVerb && event.verb == Verb::kAbandon;
  if (definition == nullptr) {
    if (abandons || event.kind == EventKind::kTurn) view.reason = SliceOf(journal, event.reason);
    if (event.kind == EventKind::kTurn) view.direction = SagaState::kCompensating;
    if (event.kind == EventKind::kSignal) NoteSignal(view, journal, event);
    return event.state_after;
  }
  SKALD_RETURN_IF_ERROR(FoldStepEvent(view, *definition, journal, event));
  return abandons ? SagaState::kAbandoned : Settle(view, *definition);
}

// Where an event's bytes hold the state after it.
constexpr size_t kStateAfterOffset = 1;

// A turn with nothing to undo passes through Compensating at once, a verb on a stuck saga through
// the direction that it had, an abandonment through Stuck (which a missing definition makes it).
bool MayReach(const SagaView& view, SagaState after) {
  const SagaState before = view.state;
  if (before == after || view.sequence == 0 || MayMove(before, after)) return true;
  for (const SagaState between : {view.direction, SagaState::kStuck}) {
    if (MayMove(before, between) && MayMove(between, after)) return true;
  }
  return false;
}

void Move(SagaView& view, SagaState after, MicroTime time) {
  view.state = after;
  view.updated = time;
  ++view.sequence;
}

}  // namespace

absl::Time SagaView::started(std::string_view journal) const {
  return sequence == 0 ? MicroTime() : internal::FirstTime(journal);
}

Hash128 SagaView::input_fingerprint(std::string_view journal) const {
  // It stands behind the key.
  return sequence == 0 ? Hash128{}
                       : internal::ReadHash(journal.substr(size_t{key.offset} + key.size));
}

std::string_view ToString(StepStatus status) {
  switch (status) {
    case StepStatus::kWaiting:
      return "waiting";
    case StepStatus::kDone:
      return "done";
    case StepStatus::kNotRun:
      return "not run";
    case StepStatus::kMayHaveRun:
      return "may have run";
    case StepStatus::kUndone:
      return "undone";
    case StepStatus::kBlocked:
      return "blocked";
    case StepStatus::kUndoBlocked:
      return "undo blocked";
    case StepStatus::kSkipped:
      return "skipped";
  }
  return "?";
}

absl::Status Fold(SagaView& view, const DefinitionData* definition, std::string_view journal,
                  const Event& event) {
  SKALD_ASSIGN_OR_RETURN(const SagaState after, Apply(view, definition, journal, event));
  if (after != event.state_after) {
    return absl::DataLossError(fmt::format("{} records state {} where its journal comes to {}",
                                           ToString(event.kind), ToString(event.state_after),
                                           ToString(after)));
  }
  if (!MayReach(view, after)) {
    return absl::DataLossError(fmt::format("{} moves from {} to {}", ToString(event.kind),
                                           ToString(view.state), ToString(after)));
  }
  Move(view, after, event.time);
  return absl::OkStatus();
}

absl::Status AppendAndFold(const Event& event, SagaView& view, const DefinitionData& definition,
                           std::string* journal) {
  const size_t at = journal->size();
  AppendEvent(event, journal);
  std::string_view tail = std::string_view(*journal).substr(at);
  Event appended;
  const absl::Status read = ReadEvent(tail, &appended);
  SKALD_CHECK(read.ok() && tail.empty(), "an event does not read back: {}", ToStd(read.message()));
  absl::StatusOr<SagaState> after = Apply(view, &definition, *journal, appended);
  if (!after.ok()) {
    journal->resize(at);
    return after.status();
  }
  SKALD_CHECK(MayReach(view, *after), "{} -> {}", ToString(view.state), ToString(*after));
  (*journal)[at + kStateAfterOffset] = static_cast<char>(*after);
  Move(view, *after, appended.time);
  return absl::OkStatus();
}

absl::StatusOr<SagaView> FoldAll(const DefinitionData* definition, std::string_view journal) {
  SagaView view;
  std::string_view rest = journal;
  while (!rest.empty()) {
    absl::StatusOr<Event> event = ReadEvent(rest);
    absl::Status status = event.ok() ? Fold(view, definition, journal, *event) : event.status();
    if (!status.ok()) return Annotate(status, fmt::format("event {}", view.sequence + 1));
  }
  if (view.sequence == 0) return absl::DataLossError("the journal of a saga is empty");
  return view;
}

}  // namespace skald::inline v1
