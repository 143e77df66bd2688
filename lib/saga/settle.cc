#include "settle.h"

#include <algorithm>
#include <utility>

#include "dependents.h"
#include "places.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace internal {
namespace {

bool Follows(const SagaView& view, const StepNode& node) {
  return std::all_of(node.predecessors.begin(), node.predecessors.end(),
                     [&](uint16_t before) { return IsPassed(view.steps[before].status); });
}

// f(index) for each item that may run: those that have begun and are undecided, and as many of the
// next ones as there is room for. What has begun stays so although an operator's Retry brings back
// one that stands before it.
template <typename F>
void ForEachOpenItem(const SagaView& view, const StepView& step, F f) {
  uint32_t parallelism = step.parallelism;
  if (SKALD_SABOTAGED(kUnboundedFanOut)) parallelism = step.items.count;
  uint32_t begun = 0;
  for (uint32_t i = 0; i < step.items.count && begun < parallelism; ++i) {
    const ItemView& item = view.items()[step.items.first + i];
    if (item.begun && item.status == StepStatus::kWaiting) ++begun;
  }
  uint32_t room = parallelism - begun;
  for (uint32_t i = 0; i < step.items.count && begun + room > 0; ++i) {
    const ItemView& item = view.items()[step.items.first + i];
    if (item.status != StepStatus::kWaiting || (!item.begun && room == 0)) continue;
    --(item.begun ? begun : room);
    f(i);
  }
}

SagaState SettleForward(const SagaView& view, const DefinitionData& definition) {
  const bool all_done = std::all_of(view.steps.begin(), view.steps.end(),
                                    [](const StepView& step) { return IsPassed(step.status); });
  if (all_done) return SagaState::kCompleted;
  bool blocked = false;
  bool must_turn = false;
  ForEachPlace(view, [&](uint16_t, uint32_t, const PlaceView& place) {
    blocked = blocked || place.status == StepStatus::kBlocked;
    must_turn = must_turn || CausesTurn(place.status);
  });
  if (!blocked || must_turn) return SagaState::kRunning;
  bool can_run = false;
  ForEachDispatchable(view, definition, [&](uint16_t, uint32_t) { can_run = true; });
  return can_run ? SagaState::kRunning : SagaState::kStuck;
}

SagaState SettleBackward(const SagaView& view, const DefinitionData& definition) {
  bool all_settled = true;
  bool blocked = false;
  bool can_run = false;
  const auto clear = DependentsSettled(definition, [&](uint16_t step) {
    bool settled = true;
    ForEachPlaceOf(view, step, [&](uint32_t, const PlaceView& place) {
      settled = settled && IsUndoSettled(place.status);
    });
    return settled;
  });
  ForEachPlace(view, [&](uint16_t step, uint32_t, const PlaceView& place) {
    if (IsUndoSettled(place.status)) return;
    all_settled = false;
    if (place.status == StepStatus::kUndoBlocked) {
      blocked = true;
    } else if (clear[step]) {
      can_run = true;
    }
  });
  if (all_settled) return SagaState::kCompensated;
  return blocked && !can_run ? SagaState::kStuck : SagaState::kCompensating;
}

// Decided as far as the journal goes: true or false; undecided otherwise.
enum class Guarded : uint8_t { kRuns, kSkipped, kUndecided };

Guarded GuardedBy(const SagaView& view, const Guards& guards) {
  Guarded result = Guarded::kRuns;
  for (const GuardAt& guard : guards) {
    const StepView& decision = view.steps[guard.decision];
    if (decision.status == StepStatus::kSkipped) return Guarded::kSkipped;
    if (decision.status != StepStatus::kDone) {
      result = Guarded::kUndecided;
    } else if (decision.answer != guard.when) {
      return Guarded::kSkipped;
    }
  }
  return result;
}

// What it follows is behind it: it begins, or it is skipped.
void Begin(StepView& step, const StepNode& node, bool skipped, MicroTime time) {
  if (skipped && !SKALD_SABOTAGED(kRunsSkipped)) {
    step.status = StepStatus::kSkipped;
    return;
  }
  step.begun = true;
  step.since = time;
  if (node.kind == StepKind::kAwait) {
    // A signal that came early is taken now.
    if (step.has_output) step.status = StepStatus::kDone;
    step.since = time + node.delay;
  }
  if (node.kind == StepKind::kSleep && node.prelude == nullptr) {
    step.armed = true;
    step.since = time + node.delay;
  }
}

}  // namespace

SagaState Settle(const SagaView& view, const DefinitionData& definition) {
  return view.direction == SagaState::kRunning ? SettleForward(view, definition)
                                               : SettleBackward(view, definition);
}

void Propagate(SagaView& view, const DefinitionData& definition, MicroTime time) {
  for (uint16_t index = 0; index < view.steps.size(); ++index) {
    StepView& step = view.steps[index];
    if (step.status != StepStatus::kWaiting) continue;
    const StepNode& node = definition.steps[index];
    if (!step.begun && Follows(view, node)) {
      Begin(step, node, GuardedBy(view, node.guards) == Guarded::kSkipped, time);
    }
    if (!step.expanded) continue;
    ForEachOpenItem(view, step, [&](uint32_t i) {
      ItemView& item = view.items()[step.items.first + i];
      if (item.begun) return;
      item.begun = true;
      item.since = time;
    });
  }
}

}  // namespace internal

void ForEachDispatchable(const SagaView& view, const internal::DefinitionData& definition,
                         PlaceFn call) {
  for (uint16_t index = 0; index < view.steps.size(); ++index) {
    const StepView& step = view.steps[index];
    if (step.status != StepStatus::kWaiting) continue;
    const internal::StepNode& node = definition.steps[index];
    if (!internal::Follows(view, node)) continue;
    if (!step.expanded) {
      call(index, step.fans_out ? Event::kWhole : 0);
    } else {
      internal::ForEachOpenItem(view, step, [&](uint32_t item) { call(index, item); });
    }
  }
}

bool Dispatchable(const SagaView& view, const internal::DefinitionData& definition, uint16_t step,
                  uint32_t index) {
  if (step >= view.steps.size() || view.steps[step].status != StepStatus::kWaiting) return false;
  const internal::StepNode& node = definition.steps[step];
  if (!internal::Follows(view, node)) return false;
  const StepView& own = view.steps[step];
  if (!own.expanded) return index == (own.fans_out ? Event::kWhole : 0);
  bool found = false;
  internal::ForEachOpenItem(view, own, [&](uint32_t item) { found = found || item == index; });
  return found;
}

bool IsBeyondPivot(const SagaView& view, const internal::DefinitionData& definition,
                   uint16_t step) {
  return std::any_of(definition.pivots.begin(), definition.pivots.end(), [&](uint16_t pivot) {
    return pivot < step && view.steps[pivot].status == StepStatus::kDone;
  });
}

absl::Status MayTakeSignal(const SagaView& view, const internal::DefinitionData& definition,
                           uint16_t step) {
  using internal::Guarded;
  const StepView& own = view.steps[step];
  const auto never = [](std::string_view why) {
    return absl::FailedPreconditionError(ToAbsl(why));
  };
  if (view.direction != SagaState::kRunning || IsTerminal(view.state)) {
    return never("the saga waits for nothing any more");
  }
  if (own.has_output) return never("it has its signal");
  if (own.status != StepStatus::kWaiting) return never("it does not wait any more");
  const Guarded guarded = internal::GuardedBy(view, internal::EffectiveGuards(definition, step));
  if (guarded == Guarded::kSkipped) return never("it is skipped in this run");
  if (SKALD_SABOTAGED(kTakesAnySignal)) return absl::OkStatus();
  const auto early = [](std::string_view why) { return absl::UnavailableError(ToAbsl(why)); };
  if (guarded == Guarded::kUndecided) return early("a decision may still skip it: ask again");
  for (const uint16_t pivot : definition.pivots) {
    if (pivot >= step || internal::IsPassed(view.steps[pivot].status)) continue;
    if (internal::GuardedBy(view, definition.steps[pivot].guards) == Guarded::kSkipped) continue;
    return early("the pivot before it is not done yet: ask again");
  }
  // Its compensation needs that, whatever happens next.
  const std::optional<uint16_t>& input = definition.steps[step].input_from;
  if (input && view.steps[*input].status != StepStatus::kDone) {
    return early("the input of its part is not known yet: ask again");
  }
  if (view.state == SagaState::kStuck) return early("the saga is stuck: ask again");
  return absl::OkStatus();
}

}  // namespace skald::inline v1
