#include "skald/saga/fold.h"

#include <fmt/core.h>

#include <utility>

#include "dependents.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

using internal::DefinitionData;
using internal::StepNode;

Slice SliceOf(std::string_view journal, std::string_view part) {
  if (part.empty()) return {};
  SKALD_DCHECK(part.data() >= journal.data() &&
               part.data() + part.size() <= journal.data() + journal.size());
  return {static_cast<uint32_t>(part.data() - journal.data()), static_cast<uint32_t>(part.size())};
}

bool AfterPivot(const DefinitionData& definition, uint16_t step) {
  return definition.pivot.has_value() && step > *definition.pivot;
}

// Settled in the backward direction: nothing of it is left to undo.
bool IsUndoSettled(const StepView& step) {
  return step.status == StepStatus::kNotRun || step.status == StepStatus::kUndone;
}

SagaState SettleForward(const SagaView& view, const DefinitionData& definition) {
  bool all_done = true;
  bool blocked = false;
  bool can_run = false;
  bool must_turn = false;
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    const StepStatus status = view.steps[step].status;
    all_done = all_done && status == StepStatus::kDone;
    blocked = blocked || status == StepStatus::kBlocked;
    must_turn = must_turn || status == StepStatus::kNotRun || status == StepStatus::kMayHaveRun;
    can_run = can_run || (status == StepStatus::kWaiting && Dispatchable(view, definition, step));
  }
  if (all_done) return SagaState::kCompleted;
  return blocked && !can_run && !must_turn ? SagaState::kStuck : SagaState::kRunning;
}

SagaState SettleBackward(const SagaView& view, const DefinitionData& definition) {
  bool all_settled = true;
  bool blocked = false;
  bool can_run = false;
  const auto clear = internal::DependentsSettled(
      definition, [&](uint16_t step) { return IsUndoSettled(view.steps[step]); });
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    if (IsUndoSettled(view.steps[step])) continue;
    all_settled = false;
    if (view.steps[step].status == StepStatus::kUndoBlocked) {
      blocked = true;
    } else if (clear[step]) {
      can_run = true;
    }
  }
  if (all_settled) return SagaState::kCompensated;
  return blocked && !can_run ? SagaState::kStuck : SagaState::kCompensating;
}

SagaState Settle(const SagaView& view, const DefinitionData& definition) {
  return view.direction == SagaState::kRunning ? SettleForward(view, definition)
                                               : SettleBackward(view, definition);
}

absl::Status NoSense(const Event& event, std::string_view why) {
  return absl::FailedPreconditionError(
      fmt::format("folding {} of step {}: {}", ToString(event.kind), event.step, why));
}

void Blame(SagaView& view, std::string_view journal, const Event& event) {
  view.reason = SliceOf(journal, event.reason);
  view.reason_step = event.step;
}

void StampDispatchable(SagaView& view, const DefinitionData& definition, absl::Time time) {
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    StepView& s = view.steps[step];
    if (s.status != StepStatus::kWaiting || s.since != absl::Time()) continue;
    if (Dispatchable(view, definition, step)) s.since = time;
  }
}

absl::Status FoldStart(SagaView& view, const DefinitionData* definition, std::string_view journal,
                       const Event& event) {
  if (view.sequence != 0) return NoSense(event, "the saga has started already");
  view.version = event.version;
  view.fingerprint = event.fingerprint;
  view.input_fingerprint = event.input_fingerprint;
  view.definition = SliceOf(journal, event.definition);
  view.key = SliceOf(journal, event.key);
  view.input = SliceOf(journal, event.input);
  view.started = event.time;
  view.deadline = event.deadline;
  if (definition == nullptr) return absl::OkStatus();
  view.steps.resize(definition->steps.size());
  StampDispatchable(view, *definition, event.time);
  return absl::OkStatus();
}

void MarkDone(SagaView& view, const DefinitionData& definition, std::string_view journal,
              const Event& event) {
  StepView& step = view.steps[event.step];
  step.status = StepStatus::kDone;
  step.undecided = false;
  step.has_output = event.has_output;
  step.output = SliceOf(journal, event.output);
  if (view.direction == SagaState::kRunning) {
    StampDispatchable(view, definition, event.time);
  } else if (definition.steps[event.step].step_class == StepClass::kNoEffect) {
    step.status = StepStatus::kUndone;
  }
}

absl::Status FoldRejected(SagaView& view, const DefinitionData& definition,
                          std::string_view journal, const Event& event) {
  StepView& step = view.steps[event.step];
  const StepClass step_class = definition.steps[event.step].step_class;
  if (AfterPivot(definition, event.step)) return NoSense(event, "it may not be rejected");
  if (step_class == StepClass::kPivot && !event.clean) {
    return NoSense(event, "an unclean rejection does not decide a pivot");
  }
  const bool left_alone = event.clean || step_class == StepClass::kNoEffect;
  step.status = left_alone ? StepStatus::kNotRun : StepStatus::kMayHaveRun;
  step.undecided = false;
  if (view.direction == SagaState::kRunning) Blame(view, journal, event);
  return absl::OkStatus();
}

absl::Status FoldActionVerdict(SagaView& view, const DefinitionData& definition,
                               std::string_view journal, const Event& event) {
  const StepView& step = view.steps[event.step];
  const bool open = step.status == StepStatus::kWaiting ||
                    (step.status == StepStatus::kMayHaveRun && step.undecided);
  if (!open) return NoSense(event, "the step is decided");
  if (view.direction == SagaState::kRunning && !Dispatchable(view, definition, event.step)) {
    return NoSense(event, "what it depends on is not Done");
  }
  switch (event.verdict) {
    case VerdictKind::kDone:
      MarkDone(view, definition, journal, event);
      return absl::OkStatus();
    case VerdictKind::kRejected:
    case VerdictKind::kRejectedForKey:
      return FoldRejected(view, definition, journal, event);
    case VerdictKind::kRetryLater:
    case VerdictKind::kUnknown:
      break;
  }
  return NoSense(event, "only Done and Rejected are journaled");
}

absl::Status FoldCompensationVerdict(SagaView& view, const Event& event) {
  StepView& step = view.steps[event.step];
  const bool open = step.status == StepStatus::kDone || step.status == StepStatus::kMayHaveRun;
  if (view.direction != SagaState::kCompensating || !open) {
    return NoSense(event, "there is nothing to undo");
  }
  if (event.verdict != VerdictKind::kDone) return NoSense(event, "only Done undoes a step");
  step.status = StepStatus::kUndone;
  step.undecided = false;
  return absl::OkStatus();
}

absl::Status FoldActionGaveUp(SagaView& view, const DefinitionData& definition,
                              std::string_view journal, const Event& event) {
  StepView& step = view.steps[event.step];
  const bool open = step.status == StepStatus::kWaiting ||
                    (step.status == StepStatus::kMayHaveRun && step.undecided);
  if (!open) return NoSense(event, "the step is decided");
  if (view.direction == SagaState::kRunning && !Dispatchable(view, definition, event.step)) {
    return NoSense(event, "what it depends on is not Done");
  }
  const StepClass step_class = definition.steps[event.step].step_class;
  step.undecided = false;
  step.unclean = step.unclean || !event.clean;
  const bool pivot_unknown = step_class == StepClass::kPivot && !event.clean;
  if (AfterPivot(definition, event.step) || pivot_unknown) {
    step.status = StepStatus::kBlocked;
  } else if (event.clean || step_class == StepClass::kNoEffect) {
    step.status = StepStatus::kNotRun;
  } else {
    step.status = StepStatus::kMayHaveRun;
  }
  if (view.direction == SagaState::kRunning) Blame(view, journal, event);
  return absl::OkStatus();
}

absl::Status FoldCompensationGaveUp(SagaView& view, std::string_view journal, const Event& event) {
  StepView& step = view.steps[event.step];
  const bool open = step.status == StepStatus::kDone || step.status == StepStatus::kMayHaveRun;
  if (view.direction != SagaState::kCompensating || !open) {
    return NoSense(event, "there is nothing to undo");
  }
  step.status = StepStatus::kUndoBlocked;
  step.undecided = false;
  Blame(view, journal, event);
  return absl::OkStatus();
}

void TurnStep(SagaView& view, const DefinitionData& definition, uint16_t index, bool dispatchable,
              absl::Time time) {
  StepView& step = view.steps[index];
  const StepClass step_class = definition.steps[index].step_class;
  step.since = time;
  if (step.status == StepStatus::kDone) {
    if (step_class == StepClass::kNoEffect) step.status = StepStatus::kUndone;
    return;
  }
  if (step.status != StepStatus::kWaiting) return;
  if (step_class == StepClass::kCompensatable && dispatchable) {
    step.status = StepStatus::kMayHaveRun;
    step.undecided = true;
  } else {
    step.status = StepStatus::kNotRun;
  }
}

absl::Status FoldTurn(SagaView& view, const DefinitionData& definition, std::string_view journal,
                      const Event& event) {
  if (definition.pivot.has_value()) {
    const StepStatus pivot = view.steps[*definition.pivot].status;
    if (pivot == StepStatus::kDone || pivot == StepStatus::kBlocked) {
      return NoSense(event, "the pivot is Done or may have run");
    }
  }
  absl::InlinedVector<bool, 8> dispatchable(view.steps.size());
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    dispatchable[step] = Dispatchable(view, definition, step);
  }
  view.direction = SagaState::kCompensating;
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    TurnStep(view, definition, step, dispatchable[step], event.time);
  }
  if (!event.reason.empty()) Blame(view, journal, event);
  return absl::OkStatus();
}

void Unblock(StepView& step, absl::Time time) {
  if (step.status == StepStatus::kBlocked) {
    step.status = StepStatus::kWaiting;
    step.since = time;
  } else if (step.status == StepStatus::kUndoBlocked) {
    step.status = step.has_output ? StepStatus::kDone : StepStatus::kMayHaveRun;
    step.since = time;
  }
}

absl::Status FoldVerb(SagaView& view, const DefinitionData& definition, std::string_view journal,
                      const Event& event) {
  if (event.verb == Verb::kRetry) {
    for (StepView& step : view.steps) Unblock(step, event.time);
    return absl::OkStatus();
  }
  if (event.verb == Verb::kAbandon) {
    view.reason = SliceOf(journal, event.reason);
    return absl::OkStatus();
  }
  if (view.state != SagaState::kStuck) return NoSense(event, "the saga is not stuck");
  if (event.step >= view.steps.size() || view.steps[event.step].status != StepStatus::kBlocked) {
    return NoSense(event, "the step is not the one that blocks");
  }
  if (event.verb == Verb::kSupplyOutput) {
    MarkDone(view, definition, journal, event);
    return absl::OkStatus();
  }
  if (definition.steps[event.step].step_class != StepClass::kPivot) {
    return NoSense(event, "only a pivot can be marked as not done");
  }
  view.steps[event.step].status = StepStatus::kNotRun;
  Blame(view, journal, event);
  return absl::OkStatus();
}

absl::Status FoldStepEvent(SagaView& view, const DefinitionData& definition,
                           std::string_view journal, const Event& event) {
  const bool action = event.direction == Direction::kAction;
  switch (event.kind) {
    case EventKind::kVerdict:
    case EventKind::kGaveUp:
      if (event.step >= view.steps.size()) return NoSense(event, "there is no such step");
      if (event.kind == EventKind::kVerdict) {
        return action ? FoldActionVerdict(view, definition, journal, event)
                      : FoldCompensationVerdict(view, event);
      }
      return action ? FoldActionGaveUp(view, definition, journal, event)
                    : FoldCompensationGaveUp(view, journal, event);
    case EventKind::kCancelAsked:
      view.cancel_asked = true;
      return absl::OkStatus();
    case EventKind::kDeadlinePassed:
      view.deadline_passed = true;
      return absl::OkStatus();
    case EventKind::kTurn:
      return FoldTurn(view, definition, journal, event);
    case EventKind::kOperatorVerb:
      return FoldVerb(view, definition, journal, event);
    default:
      return absl::OkStatus();
  }
}

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

void Move(SagaView& view, SagaState after, absl::Time time) {
  view.state = after;
  view.updated = time;
  ++view.sequence;
}

}  // namespace

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
  }
  return "?";
}

bool Dispatchable(const SagaView& view, const DefinitionData& definition, uint16_t step) {
  for (const uint16_t predecessor : definition.steps[step].predecessors) {
    if (view.steps[predecessor].status != StepStatus::kDone) return false;
  }
  return true;
}

bool PivotDispatchable(const SagaView& view, const DefinitionData& definition) {
  if (!definition.pivot.has_value() || view.direction != SagaState::kRunning) return false;
  const StepStatus status = view.steps[*definition.pivot].status;
  if (status == StepStatus::kDone || status == StepStatus::kBlocked) return true;
  return status == StepStatus::kWaiting && Dispatchable(view, definition, *definition.pivot);
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
  absl::StatusOr<Event> appended = ReadEvent(tail);
  SKALD_CHECK(appended.ok() && tail.empty(), "an event does not read back: {}",
              ToStd(appended.status().message()));
  absl::StatusOr<SagaState> after = Apply(view, &definition, *journal, *appended);
  if (!after.ok()) {
    journal->resize(at);
    return after.status();
  }
  SKALD_CHECK(MayReach(view, *after), "{} -> {}", ToString(view.state), ToString(*after));
  (*journal)[at + kStateAfterOffset] = static_cast<char>(*after);
  Move(view, *after, event.time);
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
