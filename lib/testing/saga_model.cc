// The model's events: what each may say, and what it changes.
#include "saga_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/codec.h"

namespace skald::inline v1::internal {
namespace {

using Broken = SagaModel::Broken;

Broken Break(Promise promise, std::string what) {
  return {promise, std::move(what)};
}

}  // namespace

SagaModel::Place* SagaModel::PlaceOf(uint16_t step, uint32_t index) {
  return const_cast<Place*>(std::as_const(*this).PlaceOf(step, index));
}

const SagaModel::Place* SagaModel::PlaceOf(uint16_t step, uint32_t index) const {
  if (step >= steps_.size()) return nullptr;
  const Step& own = steps_[step];
  if (own.expanded) return index < own.items.size() ? &own.items[index] : nullptr;
  const uint32_t expected = definition_->steps[step].fan_out ? Event::kWhole : 0;
  return index == expected ? &own.own : nullptr;
}

void SagaModel::NoteReady(uint64_t epoch, absl::Time time) {
  if (turned()) return;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    Step& own = steps_[step];
    if (!Ready(step) || IsOut(step)) continue;
    if (!own.ready_since) {
      own.ready_since = time;
      if (own.signal) own.own.action = Action::kDone;
      const StepNode& node = definition_->steps[step];
      if (node.kind == StepKind::kSleep && node.prelude == nullptr)
        own.wakes_at = time + node.delay;
    }
    ForEachPlaceOf(step, [&](uint32_t index, const Place& place) {
      if (place.action != Action::kOpen || place.ready_in_epoch != 0) return;
      if (MayBegin(step, index)) const_cast<Place&>(place).ready_in_epoch = epoch;
    });
  }
}

std::optional<Broken> SagaModel::Apply(const Event& event, const DefinitionData* definition,
                                       uint64_t epoch, uint64_t moment) {
  moment_ = moment;
  if (ended()) {
    return Break(Promise::kEnd,
                 fmt::format("{} after the end, {}", ToString(event.kind), ToString(state_)));
  }
  if (event.kind != EventKind::kStart && events_ == 0) {
    return Break(Promise::kAcknowledged, fmt::format("{} without a Start", ToString(event.kind)));
  }
  if (event.time < updated_) return Break(Promise::kTime, "an event is older than the one before");
  seen_.emplace_back(event.kind, event.verb);
  std::optional<Broken> broken;
  if (event.kind == EventKind::kStart) broken = OnStart(event, definition);
  if (definition_ != nullptr && !broken) {
    broken = OnEvent(event, epoch);
    // A step becomes ready by what was decided, and an await that is may have its signal already,
    // which makes others ready.
    for (size_t i = 0; i <= steps_.size(); ++i) NoteReady(epoch, event.time);
    if (!broken) broken = CheckState(event);
  }
  ++events_;
  updated_ = event.time;
  state_ = event.state_after;
  return broken;
}

std::optional<Broken> SagaModel::OnEvent(const Event& event, uint64_t epoch) {
  switch (event.kind) {
    case EventKind::kVerdict:
    case EventKind::kGaveUp:
      return OnAttempt(event);
    case EventKind::kTimerFired:
      return OnTimer(event);
    case EventKind::kSignal:
      return OnSignal(event);
    case EventKind::kTurn:
      return OnTurn(epoch);
    case EventKind::kCancelAsked:
      cancel_asked_ = true;
      return std::nullopt;
    case EventKind::kDeadlinePassed:
      deadline_passed_ = true;
      if (event.time < deadline_) return Break(Promise::kTime, "the deadline passed early");
      return std::nullopt;
    case EventKind::kOperatorVerb:
      return OnVerb(event);
    default:
      return std::nullopt;
  }
}

std::optional<Broken> SagaModel::OnAttempt(const Event& event) {
  Place* place = PlaceOf(event.step, event.index);
  if (place == nullptr) {
    return Break(Promise::kEnd, fmt::format("{} of no step or item", ToString(event.kind)));
  }
  if (event.direction == Direction::kCompensation) return OnCompensation(event, *place);
  if (PreludeIsDue(event.step)) return OnPrelude(event);
  const bool verdict = event.kind == EventKind::kVerdict;
  if (verdict && event.verdict == VerdictKind::kRetryLater) return OnPutOff(event, *place);
  return event.kind == EventKind::kVerdict ? OnAction(event, *place) : OnGaveUp(event, *place);
}

bool SagaModel::StartsSaga(uint16_t step) const {
  return definition_ != nullptr && step < steps_.size() &&
         definition_->steps[step].kind == StepKind::kSaga && !PreludeIsDue(step);
}

void SagaModel::Adopt(const Oracle::Ended& ended, const DefinitionData* definition) {
  definition_name_ = ended.definition;
  key_ = ended.key;
  input_ = ended.input;
  input_fingerprint_ = StableHash128(ended.input);
  definition_ = definition;
  if (definition_ != nullptr) steps_.resize(definition_->steps.size());
  state_ = ended.state;
  turned_at_ = state_ == SagaState::kCompensated ? 1 : 0;
  events_ = 1;
  adopted_ = true;
}

std::optional<Broken> SagaModel::OnStart(const Event& event, const DefinitionData* definition) {
  if (events_ != 0) return Break(Promise::kIdentity, "it starts a second time");
  definition_name_ = event.definition;
  key_ = event.key;
  input_ = event.input;
  input_fingerprint_ = event.input_fingerprint;
  deadline_ = event.deadline;
  definition_ = definition;
  if (definition_ != nullptr) steps_.resize(definition_->steps.size());
  return std::nullopt;
}

std::optional<Broken> SagaModel::CheckClean(const Event& event, const Place& place) {
  if (!event.clean) return std::nullopt;
  if (event.kind == EventKind::kGaveUp) {
    return Break(Promise::kEffect, "a give-up counts as proof that nothing happened");
  }
  if (place.rejected_for_key || place.sent == 0) return std::nullopt;
  if (place.unknown || place.sent > place.returned) {
    return Break(Promise::kEffect,
                 fmt::format("step {} counts as never run, but an attempt of it may have happened "
                             "({} sent, {} returned)",
                             event.step, place.sent, place.returned));
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnAction(const Event& event, Place& place) {
  const StepNode& node = definition_->steps[event.step];
  if (place.action != Action::kOpen) {
    return Break(Promise::kEnd, fmt::format("a second verdict of step {}", event.step));
  }
  if (node.kind == StepKind::kAwait || node.kind == StepKind::kSleep) {
    return Break(Promise::kEnd, fmt::format("a verdict of step {}, which waits", event.step));
  }
  if (!turned() && place.retries == 0 && !MayBegin(event.step, event.index)) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} has a verdict before what it depends on", event.step));
  }
  if (turned() && (!place.may_have_run_at_turn || place.undone)) {
    return Break(Promise::kDirection,
                 fmt::format("a late verdict of step {}, which was settled", event.step));
  }
  place.decided_at = moment_;
  if (event.verdict == VerdictKind::kDone) {
    place.action = Action::kDone;
    place.output = event.output;
    return std::nullopt;
  }
  const bool pivot = node.step_class == StepClass::kPivot;
  if (BeyondPivot(event.step) || (pivot && !event.clean)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is {} rejected", event.step, event.clean ? "" : "uncleanly"));
  }
  place.action = event.clean ? Action::kNotRun : Action::kMayHaveRun;
  return CheckClean(event, place);
}

// What stands before a step: the items of a fan-out, the end of a sleep.
std::optional<Broken> SagaModel::OnPrelude(const Event& event) {
  Step& step = steps_[event.step];
  if (turned() || !Ready(event.step) || IsOut(event.step)) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} begins before what it depends on", event.step));
  }
  if (step.own.action != Action::kOpen) {
    return Break(Promise::kEnd, fmt::format("step {} begins a second time", event.step));
  }
  step.own.decided_at = moment_;
  if (event.kind == EventKind::kGaveUp || event.verdict != VerdictKind::kDone) {
    step.own.action = BeyondPivot(event.step) ? Action::kBlocked : Action::kNotRun;
    return std::nullopt;
  }
  const StepNode& node = definition_->steps[event.step];
  if (node.kind == StepKind::kSleep) {
    const absl::StatusOr<int64_t> micros = Decode<int64_t>(event.output);
    if (!micros.ok()) return Break(Promise::kEnd, "the end of a sleep does not read");
    step.wakes_at = node.sleeps_until ? absl::FromUnixMicros(*micros)
                                      : absl::Time(event.time) + absl::Microseconds(*micros);
    return std::nullopt;
  }
  const auto items = Decode<std::vector<std::string>>(event.output);
  if (!items.ok()) return Break(Promise::kEnd, "the items of a fan-out do not read");
  step.expanded = true;
  step.items.resize(items->size());
  for (Place& item : step.items) item.decided_at = moment_;
  return std::nullopt;
}

// The next attempt waits long enough to be written down.
std::optional<Broken> SagaModel::OnPutOff(const Event& event, Place& place) {
  const bool action = event.direction == Direction::kAction;
  if (action && (turned() || place.action != Action::kOpen || !MayBegin(event.step, event.index))) {
    return Break(Promise::kEnd, fmt::format("step {} is put off, which it cannot be", event.step));
  }
  if (event.output.size() < 9) return Break(Promise::kEnd, "a put off attempt does not read");
  uint64_t micros = 0;
  for (size_t i = 8; i-- > 0;) micros = micros << 8 | static_cast<uint8_t>(event.output[i]);
  place.not_before = absl::FromUnixMicros(static_cast<int64_t>(micros));
  place.put_off_at = moment_;
  return action ? CheckClean(event, place) : std::nullopt;
}

std::optional<Broken> SagaModel::OnGaveUp(const Event& event, Place& place) {
  if (place.action != Action::kOpen || (!turned() && !MayBegin(event.step, event.index))) {
    return Break(Promise::kEnd, fmt::format("step {} gives up, which it cannot", event.step));
  }
  place.decided_at = moment_;
  const bool pivot = definition_->steps[event.step].step_class == StepClass::kPivot;
  if (BeyondPivot(event.step) || (pivot && !event.clean)) {
    place.action = Action::kBlocked;
  } else {
    place.action = event.clean ? Action::kNotRun : Action::kMayHaveRun;
  }
  return CheckClean(event, place);
}

std::optional<Broken> SagaModel::OnCompensation(const Event& event, Place& place) {
  if (!turned()) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} is compensated before the turn", event.step));
  }
  if (!NeedsUndo(event.step, event.index) || place.undo_blocked) {
    return Break(Promise::kEnd, fmt::format("step {} is compensated without need", event.step));
  }
  const bool verdict = event.kind == EventKind::kVerdict;
  if (verdict && event.verdict == VerdictKind::kRetryLater) return OnPutOff(event, place);
  if (!SuccessorsSettled(event.step, moment_)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is compensated before what depends on it", event.step));
  }
  if (event.kind == EventKind::kGaveUp) {
    place.undo_blocked = true;
  } else {
    place.undone = true;
    place.undone_at = moment_;
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnTimer(const Event& event) {
  if (event.step >= steps_.size()) return Break(Promise::kEnd, "a timer of no step");
  Step& step = steps_[event.step];
  const StepNode& node = definition_->steps[event.step];
  const bool waits = node.kind == StepKind::kSleep || node.kind == StepKind::kAwait;
  if (!waits || turned() || step.own.action != Action::kOpen || !step.ready_since) {
    return Break(Promise::kEnd, fmt::format("a timer of step {}, which does not wait", event.step));
  }
  const absl::Time due = node.kind == StepKind::kAwait
                             ? *step.ready_since + node.delay
                             : step.wakes_at.value_or(absl::InfiniteFuture());
  step.own.action = Action::kDone;
  step.own.decided_at = moment_;
  step.own.output = event.output;
  if (event.time >= due) return std::nullopt;
  return Break(Promise::kTime, fmt::format("step {} is woken {} before its time", event.step,
                                           absl::FormatDuration(due - event.time)));
}

std::optional<Broken> SagaModel::OnSignal(const Event& event) {
  if (event.step >= steps_.size() || definition_->steps[event.step].kind != StepKind::kAwait) {
    return Break(Promise::kEnd, "a signal to no await");
  }
  Step& step = steps_[event.step];
  if (turned() || step.own.action != Action::kOpen || step.signal) {
    return Break(Promise::kIdentity,
                 fmt::format("a signal to step {}, which waits for none", event.step));
  }
  // Whoever was told that it counts must not learn later that it never could.
  for (const GuardAt& guard : EffectiveGuards(*definition_, event.step)) {
    if (WholeDone(guard.decision) && !IsOut(event.step)) continue;
    return Break(Promise::kAcknowledged,
                 fmt::format("a signal to step {}, which may still be skipped", event.step));
  }
  for (const uint16_t pivot : definition_->pivots) {
    if (pivot > event.step || WholeDone(pivot) || IsOut(pivot)) continue;
    return Break(Promise::kAcknowledged,
                 fmt::format("a signal to step {}, whose pivot is not done", event.step));
  }
  const std::optional<uint16_t>& input = definition_->steps[event.step].input_from;
  if (input && !WholeDone(*input)) {
    return Break(Promise::kAcknowledged,
                 fmt::format("a signal to step {}, whose part has no input", event.step));
  }
  step.signal = std::string(event.actor);
  step.own.output = event.output;
  signals_.emplace_back(event.step, event.actor);
  if (!step.ready_since) return std::nullopt;
  step.own.action = Action::kDone;
  step.own.decided_at = moment_;
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnTurn(uint64_t epoch) {
  if (turned()) return Break(Promise::kDirection, "it turns a second time");
  bool cause = cancel_asked_ || deadline_passed_;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    ForEachPlaceOf(step, [&](uint32_t, const Place& place) {
      cause = cause || place.action == Action::kNotRun || place.action == Action::kMayHaveRun;
    });
  }
  if (!cause) return Break(Promise::kDirection, "it turns without a cause");
  for (const uint16_t index : definition_->pivots) {
    const Place& pivot = steps_[index].own;
    if (pivot.action == Action::kDone || pivot.action == Action::kBlocked) {
      return Break(Promise::kDirection, "it turns behind the pivot");
    }
    const bool before_this_epoch = pivot.ready_in_epoch != 0 && pivot.ready_in_epoch < epoch;
    const bool may_have_run = pivot.sent > 0 || pivot.put_off_at != 0 || before_this_epoch;
    if (pivot.action == Action::kOpen && may_have_run) {
      return Break(Promise::kDirection, "it turns although its pivot may have run");
    }
  }
  std::vector<Place*> may_have_run;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    const bool acts = definition_->steps[step].kind == StepKind::kCall && !PreludeIsDue(step);
    ForEachPlaceOf(step, [&](uint32_t index, const Place& place) {
      if (acts && MayBegin(step, index)) may_have_run.push_back(const_cast<Place*>(&place));
    });
  }
  // A signal that was taken in counts, though its step had not begun.
  for (Step& step : steps_) {
    if (step.signal && step.own.action == Action::kOpen) step.own.action = Action::kDone;
  }
  for (Place* place : may_have_run) place->may_have_run_at_turn = true;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    ForEachPlaceOf(step, [](uint32_t, const Place& place) {
      const_cast<Place&>(place).not_before = absl::InfinitePast();
    });
  }
  turned_at_ = moment_;
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnVerb(const Event& event) {
  if (event.verb == Verb::kAbandon) {
    if (event.state_after != SagaState::kAbandoned) {
      return Break(Promise::kEnd, "an abandoned saga goes on");
    }
    return std::nullopt;
  }
  if (event.verb == Verb::kRetry) {
    for (uint16_t step = 0; step < steps_.size(); ++step) {
      const bool expanded = steps_[step].expanded;
      ForEachPlaceOf(step, [expanded](uint32_t, const Place& each) {
        auto& place = const_cast<Place&>(each);
        place.not_before = absl::InfinitePast();
        place.put_off_at = 0;
        if (place.action == Action::kBlocked) {
          place.action = Action::kOpen;
          ++place.retries;
          if (expanded) place.ready_in_epoch = 0;  // it waits for room again
        }
        place.undo_blocked = false;
      });
    }
    return std::nullopt;
  }
  Place* place = PlaceOf(event.step, event.index);
  if (place == nullptr || place->action != Action::kBlocked) {
    return Break(Promise::kEnd,
                 fmt::format("{} of a step that does not block", ToString(event.verb)));
  }
  place->decided_at = moment_;
  if (event.verb == Verb::kMarkNotDone) {
    place->action = Action::kNotRun;
  } else {
    place->action = Action::kDone;
    place->output = event.output;
  }
  return std::nullopt;
}

}  // namespace skald::inline v1::internal
