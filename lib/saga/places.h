// The places of a saga where something happens: its steps, and where a fan-out has its items, these
// instead of the step.
#pragma once

#include <cstdint>
#include <utility>

#include "skald/saga/definition.h"
#include "skald/saga/fold.h"

namespace skald::inline v1::internal {

// f(index, place) for each place of a step.
template <typename View, typename F>
void ForEachPlaceOf(View& view, uint16_t step, F f) {
  auto& own = view.steps[step];
  if (!own.expanded) return f(own.fans_out ? Event::kWhole : 0, own);
  for (uint32_t i = 0; i < own.items.count; ++i) f(i, view.items()[own.items.first + i]);
}

// The same, the last one first.
template <typename F>
void ForEachPlaceBackOf(const SagaView& view, uint16_t step, F f) {
  const StepView& own = view.steps[step];
  if (!own.expanded) return f(own.fans_out ? Event::kWhole : 0, own);
  for (uint32_t i = own.items.count; i-- > 0;) f(i, view.items()[own.items.first + i]);
}

// f(step, index, place) for each place of the saga.
template <typename View, typename F>
void ForEachPlace(View& view, F f) {
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    ForEachPlaceOf(view, step, [&](uint32_t index, auto& place) { f(step, index, place); });
  }
}

// What depends on the step need not wait for it any more.
inline bool IsPassed(StepStatus status) {
  return status == StepStatus::kDone || status == StepStatus::kSkipped;
}

// Settled in the backward direction: nothing of it is left to undo.
inline bool IsUndoSettled(StepStatus status) {
  return status == StepStatus::kNotRun || status == StepStatus::kUndone ||
         status == StepStatus::kSkipped;
}

// What stands before the step itself has not been called yet.
inline bool PreludeIsDue(const StepNode& node, const StepView& step) {
  return node.prelude != nullptr && !step.expanded && !step.armed;
}

// It ends the forward direction.
inline bool CausesTurn(StepStatus status) {
  return status == StepStatus::kNotRun || status == StepStatus::kMayHaveRun;
}

}  // namespace skald::inline v1::internal
