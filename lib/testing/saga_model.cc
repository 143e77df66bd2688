#include "saga_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace skald::inline v1::internal {
namespace {

using Broken = SagaModel::Broken;

Broken Break(Promise promise, std::string what) {
  return {promise, std::move(what)};
}

}  // namespace

bool SagaModel::Ready(uint16_t step) const {
  const auto& before = definition_->steps[step].predecessors;
  return std::all_of(before.begin(), before.end(),
                     [&](uint16_t other) { return steps_[other].action == Action::kDone; });
}

bool SagaModel::NeedsUndo(uint16_t index) const {
  const Step& step = steps_[index];
  if (definition_->steps[index].step_class != StepClass::kCompensatable || step.undone)
    return false;
  if (step.action == Action::kDone || step.action == Action::kMayHaveRun) return true;
  return step.action == Action::kOpen && step.dispatchable_at_turn;
}

// Also what depends on it by way of others.
bool SagaModel::SuccessorsSettled(uint16_t index, uint64_t moment) const {
  for (uint16_t other = 0; other < steps_.size(); ++other) {
    const auto& before = definition_->steps[other].predecessors;
    if (std::find(before.begin(), before.end(), index) == before.end()) continue;
    if (NeedsUndo(other) || steps_[other].undone_at > moment) return false;
    if (!SuccessorsSettled(other, moment)) return false;
  }
  return true;
}

void SagaModel::NoteDispatchable(uint64_t epoch) {
  if (turned()) return;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    if (steps_[step].action != Action::kOpen || steps_[step].dispatchable_in_epoch != 0) continue;
    if (Ready(step)) steps_[step].dispatchable_in_epoch = epoch;
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
    const bool action = event.direction == Direction::kAction;
    switch (event.kind) {
      case EventKind::kVerdict:
        broken = action ? OnAction(event) : OnCompensation(event);
        break;
      case EventKind::kGaveUp:
        broken = action ? OnGaveUp(event) : OnCompensation(event);
        break;
      case EventKind::kTurn:
        broken = OnTurn(epoch);
        break;
      case EventKind::kCancelAsked:
        cancel_asked_ = true;
        break;
      case EventKind::kDeadlinePassed:
        deadline_passed_ = true;
        if (event.time < deadline_) broken = Break(Promise::kTime, "the deadline passed early");
        break;
      case EventKind::kOperatorVerb:
        broken = OnVerb(event);
        break;
      default:
        break;
    }
    if (!broken) broken = CheckState(event);
    NoteDispatchable(epoch);
  }
  ++events_;
  updated_ = event.time;
  state_ = event.state_after;
  return broken;
}

void SagaModel::Adopt(const Oracle::Ended& ended, const DefinitionData* definition) {
  definition_name_ = ended.definition;
  key_ = ended.key;
  input_fingerprint_ = StableHash128(ended.input);
  definition_ = definition;
  if (definition_ != nullptr) steps_.resize(definition_->steps.size());
  state_ = ended.state;
  turned_at_ = state_ == SagaState::kCompensated ? 1 : 0;
  events_ = 1;
}

std::optional<Broken> SagaModel::OnStart(const Event& event, const DefinitionData* definition) {
  if (events_ != 0) return Break(Promise::kIdentity, "it starts a second time");
  definition_name_ = event.definition;
  key_ = event.key;
  input_fingerprint_ = event.input_fingerprint;
  deadline_ = event.deadline;
  definition_ = definition;
  if (definition_ != nullptr) steps_.resize(definition_->steps.size());
  return std::nullopt;
}

std::optional<Broken> SagaModel::CheckClean(const Event& event) const {
  const Step& step = steps_[event.step];
  if (!event.clean) return std::nullopt;
  if (event.kind == EventKind::kGaveUp) {
    return Break(Promise::kEffect, "a give-up counts as proof that nothing happened");
  }
  if (step.rejected_for_key || step.sent == 0) return std::nullopt;
  if (step.unknown || step.sent > step.returned) {
    return Break(Promise::kEffect,
                 fmt::format("step {} counts as never run, but an attempt of it may have happened "
                             "({} sent, {} returned)",
                             event.step, step.sent, step.returned));
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnAction(const Event& event) {
  if (event.step >= steps_.size()) return Break(Promise::kEnd, "a verdict of no step");
  Step& step = steps_[event.step];
  const StepClass step_class = definition_->steps[event.step].step_class;
  if (step.action != Action::kOpen) {
    return Break(Promise::kEnd, fmt::format("a second verdict of step {}", event.step));
  }
  if (!turned() && !Ready(event.step)) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} has a verdict before what it depends on", event.step));
  }
  if (turned() && (!step.dispatchable_at_turn || step.undone)) {
    return Break(Promise::kDirection,
                 fmt::format("a late verdict of step {}, which was settled", event.step));
  }
  step.decided_at = moment_;
  if (event.verdict == VerdictKind::kDone) {
    step.action = Action::kDone;
    step.output = event.output;
    return std::nullopt;
  }
  const bool pivot = step_class == StepClass::kPivot;
  const bool beyond = definition_->pivot.has_value() && event.step > *definition_->pivot;
  if (beyond || (pivot && !event.clean)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is {} rejected", event.step, event.clean ? "" : "uncleanly"));
  }
  step.action = event.clean ? Action::kNotRun : Action::kMayHaveRun;
  return CheckClean(event);
}

std::optional<Broken> SagaModel::OnGaveUp(const Event& event) {
  if (event.step >= steps_.size()) return Break(Promise::kEnd, "a give-up of no step");
  Step& step = steps_[event.step];
  if (step.action != Action::kOpen || (!turned() && !Ready(event.step))) {
    return Break(Promise::kEnd, fmt::format("step {} gives up, which it cannot", event.step));
  }
  step.decided_at = moment_;
  const bool beyond = definition_->pivot.has_value() && event.step > *definition_->pivot;
  const bool pivot = definition_->pivot == event.step;
  if (beyond || (pivot && !event.clean)) {
    step.action = Action::kBlocked;
  } else {
    step.action = event.clean ? Action::kNotRun : Action::kMayHaveRun;
  }
  return CheckClean(event);
}

std::optional<Broken> SagaModel::OnCompensation(const Event& event) {
  if (event.step >= steps_.size()) return Break(Promise::kEnd, "a compensation of no step");
  Step& step = steps_[event.step];
  if (!turned()) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} is compensated before the turn", event.step));
  }
  if (!NeedsUndo(event.step) || step.undo_blocked) {
    return Break(Promise::kEnd, fmt::format("step {} is compensated without need", event.step));
  }
  if (!SuccessorsSettled(event.step, moment_)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is compensated before what depends on it", event.step));
  }
  if (event.kind == EventKind::kGaveUp) {
    step.undo_blocked = true;
  } else {
    step.undone = true;
    step.undone_at = moment_;
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::OnTurn(uint64_t epoch) {
  if (turned()) return Break(Promise::kDirection, "it turns a second time");
  bool cause = cancel_asked_ || deadline_passed_;
  for (const Step& step : steps_) {
    cause = cause || step.action == Action::kNotRun || step.action == Action::kMayHaveRun;
  }
  if (!cause) return Break(Promise::kDirection, "it turns without a cause");
  if (definition_->pivot.has_value()) {
    const Step& pivot = steps_[*definition_->pivot];
    if (pivot.action == Action::kDone || pivot.action == Action::kBlocked) {
      return Break(Promise::kDirection, "it turns behind the pivot");
    }
    const bool before_this_epoch =
        pivot.dispatchable_in_epoch != 0 && pivot.dispatchable_in_epoch < epoch;
    if (pivot.action == Action::kOpen && (pivot.sent > 0 || before_this_epoch)) {
      return Break(Promise::kDirection, "it turns although its pivot may have run");
    }
  }
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    steps_[step].dispatchable_at_turn = Ready(step);
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
    for (Step& step : steps_) {
      if (step.action == Action::kBlocked) step.action = Action::kOpen;
      step.undo_blocked = false;
    }
    return std::nullopt;
  }
  if (event.step >= steps_.size() || steps_[event.step].action != Action::kBlocked) {
    return Break(Promise::kEnd,
                 fmt::format("{} of a step that does not block", ToString(event.verb)));
  }
  Step& step = steps_[event.step];
  step.decided_at = moment_;
  if (event.verb == Verb::kMarkNotDone) {
    step.action = Action::kNotRun;
  } else {
    step.action = Action::kDone;
    step.output = event.output;
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::CheckState(const Event& event) const {
  bool all_done = true;
  bool undo_left = false;
  bool blocked = false;
  bool can_go_on = false;
  for (uint16_t index = 0; index < steps_.size(); ++index) {
    const Step& step = steps_[index];
    const bool undo = turned() && NeedsUndo(index) && !step.undo_blocked;
    can_go_on = can_go_on || (undo && SuccessorsSettled(index, moment_));
    const bool act = !turned() && step.action == Action::kOpen && Ready(index);
    const bool turn =
        !turned() && (step.action == Action::kNotRun || step.action == Action::kMayHaveRun);
    can_go_on = can_go_on || act || turn;
    all_done = all_done && steps_[index].action == Action::kDone;
    undo_left = undo_left || NeedsUndo(index);
    blocked = blocked || steps_[index].action == Action::kBlocked || steps_[index].undo_blocked;
  }
  SagaState expected = turned() ? SagaState::kCompensating : SagaState::kRunning;
  if (!turned() && all_done) expected = SagaState::kCompleted;
  if (turned() && !undo_left) expected = SagaState::kCompensated;
  if (!IsTerminal(expected) && blocked && !can_go_on) expected = SagaState::kStuck;
  if (event.kind == EventKind::kOperatorVerb && event.verb == Verb::kAbandon) {
    expected = SagaState::kAbandoned;
  }
  if (event.state_after == expected) return std::nullopt;
  return Break(Promise::kEnd,
               fmt::format("{} leaves it {}, and it should be {}", ToString(event.kind),
                           ToString(event.state_after), ToString(expected)));
}

std::optional<Broken> SagaModel::MaySendAction(uint16_t index, uint64_t moment) const {
  if (definition_ == nullptr || index >= steps_.size()) {
    return Break(Promise::kIsolation, "a step of a saga whose definition is not there is sent");
  }
  const Step& step = steps_[index];
  const auto& before = definition_->steps[index].predecessors;
  for (const uint16_t other : before) {
    if (steps_[other].action == Action::kDone && steps_[other].decided_at <= moment) continue;
    return Break(
        Promise::kDurableFirst,
        fmt::format("step {} is sent before the verdict of step {} is durable", index, other));
  }
  if (turned() && turned_at_ <= moment) {
    return Break(Promise::kDirection, fmt::format("step {} is sent after the turn", index));
  }
  if (step.action != Action::kOpen && step.decided_at <= moment) {
    return Break(Promise::kEnd, fmt::format("step {} is sent again after its verdict", index));
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::MaySendCompensation(uint16_t index, uint64_t moment) const {
  if (definition_ == nullptr || index >= steps_.size()) {
    return Break(Promise::kIsolation, "a step of a saga whose definition is not there is undone");
  }
  if (!turned() || turned_at_ > moment) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} is undone before the turn is durable", index));
  }
  const Step& step = steps_[index];
  const bool settled_before = step.undone && step.undone_at <= moment;
  if (settled_before || (!NeedsUndo(index) && !step.undone)) {
    return Break(Promise::kEffect, fmt::format("step {} is undone without need", index));
  }
  if (!SuccessorsSettled(index, moment)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is undone before what depends on it", index));
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::EffectAtEnd(uint16_t index, const Effect& effect) const {
  const uint32_t net = effect.applied - effect.undone;
  const bool has_effect = definition_->steps[index].step_class != StepClass::kNoEffect;
  if (state_ == SagaState::kCompleted && has_effect && net != 1) {
    return Break(Promise::kEnd, fmt::format("it is Completed, and step {} has {} effects", index,
                                            static_cast<int>(net)));
  }
  if (state_ == SagaState::kCompensated && net != 0) {
    return Break(Promise::kEnd,
                 fmt::format("it is Compensated, and step {} has {} effects left (applied {} "
                             "times, undone {})",
                             index, static_cast<int>(net), effect.applied, effect.undone));
  }
  return std::nullopt;
}

std::optional<std::string> SagaModel::Result() const {
  if (definition_ == nullptr || !definition_->result_step) return std::nullopt;
  return steps_[*definition_->result_step].output;
}

bool SagaModel::Saw(EventKind kind, Verb verb) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const auto& seen) {
    return seen.first == kind && (kind != EventKind::kOperatorVerb || seen.second == verb);
  });
}

}  // namespace skald::inline v1::internal
