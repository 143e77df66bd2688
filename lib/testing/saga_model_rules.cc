// The model's rules: what is ready, what may be sent, what an end says.
#include <fmt/core.h>

#include <algorithm>

#include "saga_model.h"

namespace skald::inline v1::internal {
namespace {

using Broken = SagaModel::Broken;

Broken Break(Promise promise, std::string what) {
  return {promise, std::move(what)};
}

}  // namespace

bool SagaModel::PreludeIsDue(uint16_t step) const {
  if (definition_->steps[step].prelude == nullptr) return false;
  return !steps_[step].expanded && !steps_[step].wakes_at;
}

bool SagaModel::WholeDone(uint16_t step) const {
  bool done = true;
  ForEachPlaceOf(
      step, [&](uint32_t, const Place& place) { done = done && place.action == Action::kDone; });
  return done && !PreludeIsDue(step);
}

bool SagaModel::Passed(uint16_t step) const {
  return WholeDone(step) || (Ready(step) && IsOut(step));
}

bool SagaModel::Ready(uint16_t step) const {
  const auto& before = definition_->steps[step].predecessors;
  return std::all_of(before.begin(), before.end(), [&](uint16_t other) { return Passed(other); });
}

// A decision says that it does not run, or is itself left out.
bool SagaModel::IsOut(uint16_t step) const {
  const Guards& guards = definition_->steps[step].guards;
  return std::any_of(guards.begin(), guards.end(), [&](const GuardAt& guard) {
    if (IsOut(guard.decision)) return true;
    const std::string& answer = steps_[guard.decision].own.output;
    return WholeDone(guard.decision) && (answer != std::string(1, '\0')) != guard.when;
  });
}

bool SagaModel::MayBegin(uint16_t step, uint32_t index) const {
  if (!Ready(step) || IsOut(step)) return false;
  const Step& own = steps_[step];
  if (!own.expanded) return own.own.action == Action::kOpen;
  if (own.items[index].action != Action::kOpen) return false;
  if (own.items[index].ready_in_epoch != 0) return true;
  // Those that have begun, and those that come first.
  uint32_t ahead = 0;
  for (uint32_t i = 0; i < own.items.size(); ++i) {
    const Place& item = own.items[i];
    if (item.action == Action::kOpen && (item.ready_in_epoch != 0 || i < index)) ++ahead;
  }
  return ahead < definition_->steps[step].fan_out->parallelism;
}

bool SagaModel::BeyondPivot(uint16_t step) const {
  return std::any_of(definition_->pivots.begin(), definition_->pivots.end(), [&](uint16_t pivot) {
    return pivot < step && steps_[pivot].own.action == Action::kDone;
  });
}

bool SagaModel::NeedsUndo(uint16_t step, uint32_t index) const {
  const Place* place = PlaceOf(step, index);
  if (place == nullptr || place->undone) return false;
  if (definition_->steps[step].step_class != StepClass::kCompensatable) return false;
  if (PreludeIsDue(step)) return false;
  if (place->action == Action::kDone || place->action == Action::kMayHaveRun) return true;
  return place->action == Action::kOpen && place->may_have_run_at_turn;
}

// Also what depends on it by way of others.
bool SagaModel::SuccessorsSettled(uint16_t step, uint64_t moment) const {
  for (uint16_t other = 0; other < steps_.size(); ++other) {
    const auto& before = definition_->steps[other].predecessors;
    if (std::find(before.begin(), before.end(), step) == before.end()) continue;
    bool settled = true;
    ForEachPlaceOf(other, [&](uint32_t index, const Place& place) {
      settled = settled && !NeedsUndo(other, index) && place.undone_at <= moment;
    });
    if (!settled || !SuccessorsSettled(other, moment)) return false;
  }
  return true;
}

std::optional<Broken> SagaModel::CheckState(const Event& event) const {
  bool all_done = true;
  bool undo_left = false;
  bool blocked = false;
  bool can_go_on = false;
  for (uint16_t step = 0; step < steps_.size(); ++step) {
    all_done = all_done && Passed(step);
    ForEachPlaceOf(step, [&](uint32_t index, const Place& place) {
      const bool needs = turned() && NeedsUndo(step, index);
      undo_left = undo_left || needs;
      can_go_on = can_go_on || (needs && !place.undo_blocked && SuccessorsSettled(step, moment_)) ||
                  (!turned() && MayBegin(step, index));
      const bool turns = place.action == Action::kNotRun || place.action == Action::kMayHaveRun;
      can_go_on = can_go_on || (!turned() && turns);
      blocked = blocked || place.action == Action::kBlocked || place.undo_blocked;
    });
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

std::optional<Broken> SagaModel::MaySendAction(uint16_t step, uint32_t index,
                                               uint64_t moment) const {
  const Place* place = definition_ == nullptr ? nullptr : PlaceOf(step, index);
  if (place == nullptr) {
    return Break(Promise::kIsolation, "a step or item that the journal does not know is sent");
  }
  for (const uint16_t other : definition_->steps[step].predecessors) {
    uint64_t decided = 0;
    ForEachPlaceOf(
        other, [&](uint32_t, const Place& each) { decided = std::max(decided, each.decided_at); });
    if (Passed(other) && decided <= moment) continue;
    return Break(
        Promise::kDurableFirst,
        fmt::format("step {} is sent before the verdict of step {} is durable", step, other));
  }
  if (IsOut(step)) {
    return Break(Promise::kDirection, fmt::format("step {} is sent, which is skipped", step));
  }
  if (turned() && turned_at_ <= moment) {
    return Break(Promise::kDirection, fmt::format("step {} is sent after the turn", step));
  }
  if (place->action != Action::kOpen && place->decided_at <= moment) {
    return Break(Promise::kEnd, fmt::format("step {} is sent again after its verdict", step));
  }
  if (place->ready_in_epoch == 0) {
    return Break(Promise::kBounds,
                 fmt::format("item {} of step {} is sent before its turn has come", index, step));
  }
  return std::nullopt;
}

std::optional<Broken> SagaModel::MaySendCompensation(uint16_t step, uint32_t index,
                                                     uint64_t moment) const {
  const Place* place = definition_ == nullptr ? nullptr : PlaceOf(step, index);
  if (place == nullptr) {
    return Break(Promise::kIsolation, "a step or item that the journal does not know is undone");
  }
  if (!turned() || turned_at_ > moment) {
    return Break(Promise::kDurableFirst,
                 fmt::format("step {} is undone before the turn is durable", step));
  }
  const bool settled_before = place->undone && place->undone_at <= moment;
  if (settled_before || (!NeedsUndo(step, index) && !place->undone)) {
    return Break(Promise::kEffect, fmt::format("step {} is undone without need", step));
  }
  if (!SuccessorsSettled(step, moment)) {
    return Break(Promise::kDirection,
                 fmt::format("step {} is undone before what depends on it", step));
  }
  return std::nullopt;
}

bool SagaModel::HadEffect(uint16_t step) const {
  const StepNode& node = definition_->steps[step];
  if (node.step_class == StepClass::kNoEffect || node.kind != StepKind::kCall) return false;
  return adopted_ ? node.guards.empty() && !node.fan_out : !IsOut(step);
}

std::optional<Broken> SagaModel::EffectAtEnd(uint16_t step, const Effect& effect) const {
  const uint32_t net = effect.applied - effect.undone;
  const StepNode& node = definition_->steps[step];
  const bool known = !adopted_ || (node.guards.empty() && !node.fan_out);
  if (state_ == SagaState::kCompleted && known && net != (HadEffect(step) ? 1 : 0) &&
      node.step_class != StepClass::kNoEffect) {
    return Break(Promise::kEnd, fmt::format("it is Completed, and step {} has {} effects", step,
                                            static_cast<int>(net)));
  }
  if (state_ == SagaState::kCompensated && net != 0) {
    return Break(Promise::kEnd,
                 fmt::format("it is Compensated, and step {} has {} effects left (applied {} "
                             "times, undone {})",
                             step, static_cast<int>(net), effect.applied, effect.undone));
  }
  return std::nullopt;
}

std::optional<std::string> SagaModel::Result() const {
  if (definition_ == nullptr || !definition_->result_step) return std::nullopt;
  return steps_[*definition_->result_step].own.output;
}

bool SagaModel::Saw(EventKind kind, Verb verb) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const auto& seen) {
    return seen.first == kind && (kind != EventKind::kOperatorVerb || seen.second == verb);
  });
}

bool SagaModel::TookSignal(uint16_t step, std::string_view key) const {
  return std::any_of(signals_.begin(), signals_.end(), [&](const auto& signal) {
    return signal.first == step && signal.second == key;
  });
}

}  // namespace skald::inline v1::internal
