#include "fold_events.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "places.h"
#include "settle.h"
#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/codec.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/saga/links.h"

namespace skald::inline v1::internal {
Slice SliceOf(std::string_view journal, std::string_view part) {
  if (part.empty()) return {};
  SKALD_DCHECK(part.data() >= journal.data() &&
               part.data() + part.size() <= journal.data() + journal.size());
  return {static_cast<uint32_t>(part.data() - journal.data()), static_cast<uint32_t>(part.size())};
}

absl::Status NoSense(const Event& event, std::string_view why) {
  return absl::FailedPreconditionError(
      fmt::format("folding {} of step {}: {}", ToString(event.kind), event.step, why));
}

void NoteSignal(SagaView& view, std::string_view journal, const Event& event) {
  view.rare.Make().signals.push_back(
      {event.step, SliceOf(journal, event.reason), SliceOf(journal, event.actor)});
}

namespace {

PlaceView* FindPlace(SagaView& view, uint16_t step, uint32_t index) {
  return const_cast<PlaceView*>(skald::FindPlace(std::as_const(view), step, index));
}

// REQUIRES: FindPlace finds it.
PlaceView& PlaceOf(SagaView& view, const Event& event) {
  return const_cast<PlaceView&>(PlaceAt(view, event.step, event.index));
}
const PlaceView& PlaceOf(const SagaView& view, const Event& event) {
  return PlaceAt(view, event.step, event.index);
}

void Blame(SagaView& view, std::string_view journal, const Event& event) {
  view.reason = SliceOf(journal, event.reason);
  view.reason_step = event.step;
}

// Of several steps that go wrong side by side, the first one is to blame.
void BlameForward(SagaView& view, std::string_view journal, const Event& event) {
  bool blamed = false;
  ForEachPlace(view, [&](uint16_t, uint32_t, const PlaceView& place) {
    blamed = blamed || CausesTurn(place.status);
  });
  if (!blamed) Blame(view, journal, event);
}

// Of the step as a whole: it is Done when all its items are.
void GatherItems(StepView& step, const SagaView& view) {
  for (uint32_t i = 0; i < step.items.count; ++i) {
    if (view.items()[step.items.first + i].status != StepStatus::kDone) return;
  }
  step.status = StepStatus::kDone;
}

void MarkDone(SagaView& view, const DefinitionData& definition, std::string_view journal,
              const Event& event) {
  PlaceView& place = PlaceOf(view, event);
  const StepNode& node = definition.steps[event.step];
  place.status = StepStatus::kDone;
  place.undecided = false;
  place.has_output = event.has_output;
  place.output = SliceOf(journal, event.output);
  StepView& step = view.steps[event.step];
  if (node.kind == StepKind::kDecision) {
    step.answer = !event.output.empty() && event.output.front() != 0;
  }
  if (view.direction == SagaState::kRunning) {
    if (step.expanded) GatherItems(step, view);
    Propagate(view, definition, event.time);
  } else if (node.step_class == StepClass::kNoEffect) {
    place.status = StepStatus::kUndone;
  }
}

// The items of a fan-out, as a vector of them is encoded.
absl::Status Expand(SagaView& view, const DefinitionData& definition, std::string_view journal,
                    const Event& event) {
  StepView& step = view.steps[event.step];
  ByteReader in(event.output);
  const uint64_t count = in.VarintUpTo(kFanOutMax);
  std::vector<ItemView>& items = view.items();
  const auto first = static_cast<uint32_t>(items.size());
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    items.emplace_back().item = SliceOf(journal, in.String());
  }
  SKALD_RETURN_IF_ERROR(in.Finish("items of a fan-out"));
  step.expanded = true;
  step.items = {first, static_cast<uint32_t>(count)};
  // Which items may have run rests on it: a build that has another one goes on with this.
  uint32_t parallelism = definition.steps[event.step].fan_out->parallelism;
  if (!event.actor.empty() && !absl::SimpleAtoi(ToAbsl(event.actor), &parallelism)) {
    return absl::DataLossError("the parallelism of a fan-out does not read");
  }
  step.parallelism = parallelism;
  GatherItems(step, view);
  Propagate(view, definition, event.time);
  return absl::OkStatus();
}

// What a prelude gave: the items of a fan-out, or when a sleep ends.
absl::Status FoldPrelude(SagaView& view, const DefinitionData& definition, std::string_view journal,
                         const Event& event) {
  StepView& step = view.steps[event.step];
  const StepNode& node = definition.steps[event.step];
  if (node.fan_out) return Expand(view, definition, journal, event);
  SKALD_ASSIGN_OR_RETURN(const int64_t micros, Decode<int64_t>(event.output));
  step.armed = true;
  step.since =
      node.sleeps_until ? MicroTime::FromMicros(micros) : event.time + absl::Microseconds(micros);
  return absl::OkStatus();
}

absl::Status FoldRejected(SagaView& view, const DefinitionData& definition,
                          std::string_view journal, const Event& event) {
  PlaceView& place = PlaceOf(view, event);
  const StepClass step_class = definition.steps[event.step].step_class;
  if (IsBeyondPivot(view, definition, event.step)) return NoSense(event, "it may not be rejected");
  if (step_class == StepClass::kPivot && !event.clean) {
    return NoSense(event, "an unclean rejection does not decide a pivot");
  }
  if (view.direction == SagaState::kRunning) BlameForward(view, journal, event);
  const bool left_alone = event.clean || step_class == StepClass::kNoEffect;
  place.status = left_alone ? StepStatus::kNotRun : StepStatus::kMayHaveRun;
  place.undecided = false;
  return absl::OkStatus();
}

// Whether an action's verdict or give-up can still be said of the place.
absl::Status CheckOpen(const SagaView& view, const DefinitionData& definition, const Event& event) {
  const PlaceView& place = PlaceOf(view, event);
  const bool open = place.status == StepStatus::kWaiting ||
                    (place.status == StepStatus::kMayHaveRun && place.undecided);
  if (!open) return NoSense(event, "the step is decided");
  // (What a Retry has brought back was dispatchable before: a late verdict of it counts.)
  if (view.direction == SagaState::kRunning && place.retries == 0 &&
      !Dispatchable(view, definition, event.step, event.index)) {
    return NoSense(event, "what it depends on is not Done");
  }
  return absl::OkStatus();
}

// The next attempt is put off for so long that it is written down: when it may be sent, and how
// many there were.
absl::Status FoldPutOff(PlaceView& place, const Event& event) {
  ByteReader in(event.output);
  const auto micros = in.Little<uint64_t>();
  const uint64_t tried = in.VarintUpTo(UINT32_MAX);
  SKALD_RETURN_IF_ERROR(in.Finish("an attempt that is put off"));
  place.not_before = MicroTime::FromMicros(static_cast<int64_t>(micros));
  place.tried = static_cast<uint32_t>(tried);
  place.sent = true;
  place.unclean = place.unclean || !event.clean;
  return absl::OkStatus();
}

absl::Status FoldActionVerdict(SagaView& view, const DefinitionData& definition,
                               std::string_view journal, const Event& event) {
  SKALD_RETURN_IF_ERROR(CheckOpen(view, definition, event));
  const StepNode& node = definition.steps[event.step];
  const bool prelude = PreludeIsDue(node, view.steps[event.step]);
  const bool waits = node.kind == StepKind::kSleep || node.kind == StepKind::kAwait;
  if (waits && !prelude) return NoSense(event, "the step waits for no verdict");
  switch (event.verdict) {
    case VerdictKind::kDone:
      if (prelude) return FoldPrelude(view, definition, journal, event);
      MarkDone(view, definition, journal, event);
      return absl::OkStatus();
    case VerdictKind::kRejected:
    case VerdictKind::kRejectedForKey:
      return FoldRejected(view, definition, journal, event);
    case VerdictKind::kRetryLater:
      if (prelude || view.direction != SagaState::kRunning) break;
      return FoldPutOff(PlaceOf(view, event), event);
    case VerdictKind::kUnknown:
      break;
  }
  return NoSense(event, "only what is decided or put off is journaled");
}

absl::Status FoldCompensationVerdict(SagaView& view, const Event& event) {
  PlaceView& place = PlaceOf(view, event);
  const bool open = place.status == StepStatus::kDone || place.status == StepStatus::kMayHaveRun;
  if (view.direction != SagaState::kCompensating || !open) {
    return NoSense(event, "there is nothing to undo");
  }
  if (event.verdict == VerdictKind::kRetryLater) return FoldPutOff(place, event);
  if (event.verdict != VerdictKind::kDone) return NoSense(event, "only Done undoes a step");
  place.status = StepStatus::kUndone;
  place.undecided = false;
  return absl::OkStatus();
}

absl::Status FoldActionGaveUp(SagaView& view, const DefinitionData& definition,
                              std::string_view journal, const Event& event) {
  SKALD_RETURN_IF_ERROR(CheckOpen(view, definition, event));
  PlaceView& place = PlaceOf(view, event);
  const StepNode& node = definition.steps[event.step];
  if (view.direction == SagaState::kRunning) BlameForward(view, journal, event);
  place.undecided = false;
  const bool prelude = PreludeIsDue(node, view.steps[event.step]);
  place.unclean = place.unclean || (!event.clean && !prelude);
  const bool pivot_unknown = node.step_class == StepClass::kPivot && !event.clean;
  if (IsBeyondPivot(view, definition, event.step) || pivot_unknown) {
    place.status = StepStatus::kBlocked;
  } else if (event.clean || prelude || node.step_class == StepClass::kNoEffect) {
    place.status = StepStatus::kNotRun;
  } else {
    place.status = StepStatus::kMayHaveRun;
  }
  // Of a fan-out, it makes room for the next item.
  if (view.direction == SagaState::kRunning) Propagate(view, definition, event.time);
  return absl::OkStatus();
}

absl::Status FoldCompensationGaveUp(SagaView& view, std::string_view journal, const Event& event) {
  PlaceView& place = PlaceOf(view, event);
  const bool open = place.status == StepStatus::kDone || place.status == StepStatus::kMayHaveRun;
  if (view.direction != SagaState::kCompensating || !open) {
    return NoSense(event, "there is nothing to undo");
  }
  place.status = StepStatus::kUndoBlocked;
  place.undecided = false;
  Blame(view, journal, event);
  return absl::OkStatus();
}

absl::Status FoldTimer(SagaView& view, const DefinitionData& definition, std::string_view journal,
                       const Event& event) {
  const StepView& step = view.steps[event.step];
  const StepKind kind = definition.steps[event.step].kind;
  const bool begun = step.status == StepStatus::kWaiting && step.begun;
  const bool has_timer = (kind == StepKind::kSleep && step.armed) || kind == StepKind::kAwait;
  if (!begun || !has_timer) return NoSense(event, "no timer of it runs");
  if (event.time < step.since && !SKALD_SABOTAGED(kEarlyTimer))
    return NoSense(event, "its time is not up yet");
  MarkDone(view, definition, journal, event);
  return absl::OkStatus();
}

absl::Status FoldSignal(SagaView& view, const DefinitionData& definition, std::string_view journal,
                        const Event& event) {
  if (definition.steps[event.step].kind != StepKind::kAwait) {
    return NoSense(event, "it awaits no signal");
  }
  SKALD_RETURN_IF_ERROR(MayTakeSignal(view, definition, event.step));
  StepView& step = view.steps[event.step];
  NoteSignal(view, journal, event);
  step.has_output = event.has_output;
  step.output = SliceOf(journal, event.output);
  if (step.begun) MarkDone(view, definition, journal, event);
  return absl::OkStatus();
}

void TurnPlace(const StepNode& node, PlaceView& place, bool may_have_run, MicroTime time) {
  place.since = time;
  place.not_before = MicroTime::InfinitePast();
  place.tried = 0;
  place.sent = false;  // what follows goes the other way
  if (place.status == StepStatus::kWaiting) {
    if (node.kind == StepKind::kAwait && place.has_output && !SKALD_SABOTAGED(kLosesEarlySignal)) {
      place.status = StepStatus::kDone;  // accepted, though nothing was waiting yet
    } else if (may_have_run) {
      place.status = StepStatus::kMayHaveRun;
      place.undecided = true;
    } else {
      place.status = StepStatus::kNotRun;
    }
  }
  if (place.status == StepStatus::kDone && node.step_class == StepClass::kNoEffect) {
    place.status = StepStatus::kUndone;
  }
}

absl::Status FoldTurn(SagaView& view, const DefinitionData& definition, std::string_view journal,
                      const Event& event) {
  for (const uint16_t pivot : definition.pivots) {
    const StepStatus status = view.steps[pivot].status;
    if (status == StepStatus::kDone || status == StepStatus::kBlocked) {
      return NoSense(event, "the pivot is Done or may have run");
    }
  }
  // Of these, what has an action may have run.
  absl::InlinedVector<const PlaceView*, 8> may_have_run;
  ForEachDispatchable(view, definition, [&](uint16_t step, uint32_t index) {
    const StepNode& node = definition.steps[step];
    const bool acts = node.kind == StepKind::kCall && index != Event::kWhole;
    if (!acts || node.step_class != StepClass::kCompensatable) return;
    may_have_run.push_back(skald::FindPlace(view, step, index));
  });
  view.direction = SagaState::kCompensating;
  ForEachPlace(view, [&](uint16_t step, uint32_t index, PlaceView& place) {
    const StepNode& node = definition.steps[step];
    bool may = std::find(may_have_run.begin(), may_have_run.end(), &place) != may_have_run.end();
    may = may || (SKALD_SABOTAGED(kUndoesEveryItem) && node.fan_out && index != Event::kWhole &&
                  node.step_class == StepClass::kCompensatable);
    TurnPlace(node, place, may, event.time);
  });
  if (!event.reason.empty()) Blame(view, journal, event);
  return absl::OkStatus();
}

void Unblock(PlaceView& place, bool is_item, MicroTime time) {
  // Whatever it waits for, it is tried now, with attempts counted anew.
  place.not_before = MicroTime::InfinitePast();
  place.tried = 0;
  if (place.status == StepStatus::kBlocked) {
    place.status = StepStatus::kWaiting;
    place.since = time;
    ++place.retries;
    // Another may run in its place: it waits for room.
    if (is_item) place.begun = false;
  } else if (place.status == StepStatus::kUndoBlocked) {
    place.status = place.has_output ? StepStatus::kDone : StepStatus::kMayHaveRun;
    place.since = time;
  }
}

absl::Status FoldVerb(SagaView& view, const DefinitionData& definition, std::string_view journal,
                      const Event& event) {
  if (event.verb == Verb::kRetry) {
    for (uint16_t step = 0; step < view.steps.size(); ++step) {
      const bool is_item = view.steps[step].expanded;
      ForEachPlaceOf(view, step,
                     [&](uint32_t, PlaceView& place) { Unblock(place, is_item, event.time); });
    }
    if (view.direction == SagaState::kRunning) Propagate(view, definition, event.time);
    return absl::OkStatus();
  }
  if (event.verb == Verb::kAbandon) {
    view.reason = SliceOf(journal, event.reason);
    return absl::OkStatus();
  }
  if (view.state != SagaState::kStuck) return NoSense(event, "the saga is not stuck");
  PlaceView* place = FindPlace(view, event.step, event.index);
  if (place == nullptr || place->status != StepStatus::kBlocked) {
    return NoSense(event, "the step is not the one that blocks");
  }
  if (event.verb == Verb::kSupplyOutput) {
    if (definition.steps[event.step].fan_out && event.index == Event::kWhole) {
      return NoSense(event, "its range failed, and items cannot be supplied: Retry it");
    }
    MarkDone(view, definition, journal, event);
    return absl::OkStatus();
  }
  if (definition.steps[event.step].step_class != StepClass::kPivot) {
    return NoSense(event, "only a pivot can be marked as not done");
  }
  place->status = StepStatus::kNotRun;
  Blame(view, journal, event);
  return absl::OkStatus();
}

}  // namespace

absl::Status FoldStart(SagaView& view, const DefinitionData* definition, std::string_view journal,
                       const Event& event) {
  if (view.sequence != 0) return NoSense(event, "the saga has started already");
  view.version = event.version;
  view.fingerprint = event.fingerprint;
  view.definition = SliceOf(journal, event.definition);
  view.key = SliceOf(journal, event.key);
  view.input = SliceOf(journal, event.input);
  view.deadline = event.deadline;
  if (definition == nullptr) return absl::OkStatus();
  view.steps.resize(definition->steps.size());
  for (size_t i = 0; i < view.steps.size(); ++i) {
    view.steps[i].fans_out = definition->steps[i].fan_out.has_value();
  }
  Propagate(view, *definition, event.time);
  return absl::OkStatus();
}

absl::Status FoldStepEvent(SagaView& view, const DefinitionData& definition,
                           std::string_view journal, const Event& event) {
  const bool action = event.direction == Direction::kAction;
  switch (event.kind) {
    case EventKind::kVerdict:
    case EventKind::kGaveUp:
    case EventKind::kTimerFired:
    case EventKind::kSignal:
      if (FindPlace(view, event.step, event.index) == nullptr) {
        return NoSense(event, "there is no such step or item");
      }
      if (event.kind == EventKind::kTimerFired) return FoldTimer(view, definition, journal, event);
      if (event.kind == EventKind::kSignal) return FoldSignal(view, definition, journal, event);
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

}  // namespace skald::inline v1::internal
