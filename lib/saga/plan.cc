#include "skald/saga/plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "dependents.h"
#include "places.h"
#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"

namespace skald::inline v1 {
namespace {

using internal::AttemptResult;
using internal::CausesTurn;
using internal::DefinitionData;
using internal::ForEachPlace;
using internal::ForEachPlaceBackOf;
using internal::ForEachPlaceOf;
using internal::IsUndoSettled;
using internal::PreludeIsDue;
using internal::StepKind;
using internal::StepNode;

const Attempts* Find(const AttemptList& list, uint16_t step, uint32_t index, Direction direction) {
  for (const Attempts& attempts : list) {
    if (attempts.step == step && attempts.index == index && attempts.direction == direction) {
      return &attempts;
    }
  }
  return nullptr;
}

bool IsRunning(const AttemptList& list, uint16_t step, uint32_t index, Direction direction) {
  const Attempts* attempts = Find(list, step, index, direction);
  return attempts != nullptr && attempts->running;
}

// From its dispatch on, or after a restart that may have lost one, a pivot keeps the direction
// open.
bool KeepsOpen(const SagaView& view, const DefinitionData& definition, const AttemptList& list,
               uint16_t pivot) {
  const StepView& step = view.steps[pivot];
  if (step.status == StepStatus::kDone || step.status == StepStatus::kBlocked) return true;
  if (!Dispatchable(view, definition, pivot, 0)) return false;
  if (step.unclean || step.sent) return true;
  const Attempts* attempts = Find(list, pivot, 0, Direction::kAction);
  // An entry is made by a dispatch or by a restart; an operator's Retry does not take it back.
  return attempts != nullptr && (attempts->sent || attempts->lost);
}

bool DirectionOpen(const SagaView& view, const DefinitionData& definition,
                   const AttemptList& list) {
  if (SKALD_SABOTAGED(kCancelBehindPivot)) return false;
  return std::any_of(definition.pivots.begin(), definition.pivots.end(),
                     [&](uint16_t pivot) { return KeepsOpen(view, definition, list, pivot); });
}

// Once the action may have run it is not sent again; only Reconcile may still ask.
bool MayNotRepeat(const StepNode& node, const Attempts* attempts, const PlaceView& place) {
  if (!node.options.once || node.kind != StepKind::kCall) return false;
  if (attempts == nullptr) return place.unclean;
  return (attempts->lost || attempts->unclean || place.unclean) && !attempts->reconciling;
}

Next PlanAttempt(const SagaView& view, const DefinitionData& definition, const AttemptList& list,
                 uint16_t step, uint32_t index, Direction direction, MicroTime now) {
  const Attempts* attempts = Find(list, step, index, direction);
  Next next{.kind = NextKind::kRun, .step = step, .index = index, .direction = direction};
  const StepNode& node = definition.steps[step];
  next.prelude = direction == Direction::kAction && PreludeIsDue(node, view.steps[step]);
  next.reconcile = attempts != nullptr && attempts->reconciling;
  if (direction == Direction::kAction && !next.prelude &&
      MayNotRepeat(node, attempts, PlaceAt(view, step, index))) {
    next.reconcile = static_cast<bool>(node.reconcile);
    next.kind = next.reconcile ? NextKind::kRun : NextKind::kGiveUp;
  }
  MicroTime not_before = PlaceAt(view, step, index).not_before;
  if (SKALD_SABOTAGED(kForgetsPutOff)) not_before = MicroTime::InfinitePast();
  if (attempts != nullptr) not_before = std::max(not_before, attempts->next);
  if (next.kind == NextKind::kRun && not_before > now) {
    next.kind = NextKind::kWaitUntil;
    next.at = not_before;
  }
  return next;
}

// How long a saga that has been started is waited for before it is asked again: it says by itself
// when it ends, and this is for the case that a crash came between its end and the telling.
MicroTime AskAgainAt(const PlaceView& place, const Attempts& asked) {
  const absl::Duration waited = asked.next - place.since;
  return asked.next + std::clamp<absl::Duration>(waited, absl::Minutes(1), absl::Hours(1));
}

// A sleep that has begun, or an await: nothing is called, time or a signal ends it.
Next PlanTimer(const PlaceView& step, uint16_t index, MicroTime now) {
  const bool due = step.since <= now || (SKALD_SABOTAGED(kEarlyTimer) && index % 2 == 0);
  return {.kind = due ? NextKind::kTimer : NextKind::kWaitUntil, .step = index, .at = step.since};
}

void PlanForward(const SagaView& view, const DefinitionData& definition, const AttemptList& list,
                 MicroTime now, NextList& out) {
  if (MustTurn(view)) {
    out.push_back({.kind = NextKind::kTurn, .step = view.reason_step});
    return;
  }
  if (!DirectionOpen(view, definition, list)) {
    if (view.cancel_asked) {
      out.push_back({.kind = NextKind::kTurn});
      return;
    }
    if (view.deadline <= now) {
      out.push_back({.kind = NextKind::kDeadline});
      return;
    }
  }
  ForEachDispatchable(view, definition, [&](uint16_t step, uint32_t index) {
    const StepNode& node = definition.steps[step];
    const bool waits =
        node.kind == StepKind::kAwait || (node.kind == StepKind::kSleep && view.steps[step].armed);
    if (waits) {
      out.push_back(PlanTimer(view.steps[step], step, now));
    } else if (node.kind == StepKind::kSaga && IsRunning(list, step, index, Direction::kAction)) {
      // The same at each plan, or a saga that falls asleep by it would write that down for ever.
      const MicroTime at =
          AskAgainAt(PlaceAt(view, step, index), *Find(list, step, index, Direction::kAction));
      out.push_back({.kind = NextKind::kAskAgain, .step = step, .index = index, .at = at});
    } else if (!IsRunning(list, step, index, Direction::kAction)) {
      out.push_back(PlanAttempt(view, definition, list, step, index, Direction::kAction, now));
    }
  });
}

// The place is out of the way: undone or never run, and nothing of it is running.
bool IsOutOfTheWay(const SagaView& view, const AttemptList& list, uint16_t step) {
  bool out = true;
  ForEachPlaceOf(view, step, [&](uint32_t index, const PlaceView& place) {
    out = out && IsUndoSettled(place.status) && !IsRunning(list, step, index, Direction::kAction) &&
          !IsRunning(list, step, index, Direction::kCompensation);
  });
  return out;
}

// Of a fan-out, the last items first, and no more at a time than forward.
void PlanBackward(const SagaView& view, const DefinitionData& definition, const AttemptList& list,
                  MicroTime now, NextList& out) {
  const auto clear = internal::DependentsSettled(
      definition, [&](uint16_t step) { return IsOutOfTheWay(view, list, step); });
  for (uint16_t step = 0; step < view.steps.size(); ++step) {
    if (!clear[step] && !SKALD_SABOTAGED(kUndoesInAnyOrder)) continue;
    const std::optional<internal::FanOut>& fan_out = definition.steps[step].fan_out;
    uint32_t room = fan_out ? fan_out->parallelism : 1;
    ForEachPlaceBackOf(view, step, [&](uint32_t index, const PlaceView& place) {
      const StepStatus status = place.status;
      const bool open = status == StepStatus::kDone || status == StepStatus::kMayHaveRun;
      if (!open || room == 0) return;
      --room;
      if (IsRunning(list, step, index, Direction::kAction)) return;
      if (IsRunning(list, step, index, Direction::kCompensation)) return;
      out.push_back(
          PlanAttempt(view, definition, list, step, index, Direction::kCompensation, now));
    });
  }
}

bool Exhausted(const RetryPolicy& policy, const Attempts& attempts, const PlaceView& step,
               const AttemptResult& result, MicroTime now) {
  if (policy.give_up_on.Has(result.code) && result.code != absl::StatusCode::kOk) return true;
  if (policy.attempts_max != 0 && attempts.count >= policy.attempts_max) return true;
  return now - step.since >= policy.age_max;
}

// What an attempt's end is judged by, besides itself.
struct Circumstances {
  MicroTime now;
  double jitter = 0;
  bool spent = false;  // the step's budget of retries
};

absl::Duration Backoff(const RetryPolicy& policy, const Attempts& attempts,
                       const AttemptResult& result, const Circumstances& by) {
  const double doublings = std::min<double>(attempts.count == 0 ? 0 : attempts.count - 1, 40);
  const absl::Duration cap = std::min(policy.delay_max, policy.delay_min * std::exp2(doublings));
  const absl::Duration wait = by.spent ? policy.delay_max : cap * by.jitter;
  if (SKALD_SABOTAGED(kIgnoresDelay)) return wait;
  return std::max(wait, result.delay);
}

// Never clean: RetryLater says that this attempt changed nothing, and a copy of its request may
// still be on its way.
Judgement GiveUp(VerdictKind said, std::string reason) {
  return {.kind = Judgement::Kind::kGaveUp, .verdict = said, .reason = std::move(reason)};
}

// Nothing of the step can have happened: no attempt before this one may have run.
bool IsClean(const Attempts& attempts, const PlaceView& step) {
  if (SKALD_SABOTAGED(kUncleanIsClean)) return true;
  return !attempts.unclean && !attempts.lost && !step.unclean;
}

// Tries again, or asks Reconcile, or gives up.
Judgement TryAgain(const PlaceView& step, const StepNode& node, Attempts& attempts,
                   const AttemptResult& result, const Circumstances& by) {
  const MicroTime now = by.now;
  const RetryPolicy& policy = PolicyOf(node, attempts.direction);
  const bool spent = node.options.once && attempts.direction == Direction::kAction &&
                     !IsClean(attempts, step) && !attempts.reconciling;
  if (spent || Exhausted(policy, attempts, step, result, now)) {
    const bool may_ask = attempts.direction == Direction::kAction && !attempts.reconciling &&
                         static_cast<bool>(node.reconcile);
    if (!may_ask) {
      Judgement gave_up = GiveUp(result.kind, std::string(result.reason()));
      gave_up.clean = SKALD_SABOTAGED(kRetryLaterProves) &&
                      result.kind == VerdictKind::kRetryLater && IsClean(attempts, step);
      return gave_up;
    }
    attempts.reconciling = true;
    attempts.count = 0;
    attempts.next = now;
    return {
        .kind = Judgement::Kind::kRetry, .reason = std::string(result.reason()), .retry_at = now};
  }
  // In whole microseconds, as it may be journaled, and never early.
  const MicroTime next = now + Backoff(policy, attempts, result, by);
  attempts.next = next;
  return {.kind = Judgement::Kind::kRetry,
          .reason = std::string(result.reason()),
          .retry_at = attempts.next};
}

Judgement Decided(VerdictKind verdict, bool clean, const AttemptResult& result) {
  return {.kind = Judgement::Kind::kVerdict,
          .verdict = verdict,
          .clean = clean,
          .reason = std::string(result.reason())};
}

Judgement JudgeRejected(const SagaView& view, const DefinitionData& definition,
                        const PlaceView& step, Attempts& attempts, const AttemptResult& result,
                        const Circumstances& by) {
  const StepNode& node = definition.steps[attempts.step];
  const bool for_key = result.kind == VerdictKind::kRejectedForKey;
  const bool clean = for_key || IsClean(attempts, step);
  if (IsBeyondPivot(view, definition, attempts.step)) {
    return GiveUp(result.kind, std::string(result.reason()));
  }
  if (node.step_class == StepClass::kPivot && !clean) {
    attempts.unclean = true;
    return TryAgain(step, node, attempts, result, by);
  }
  return Decided(VerdictKind::kRejected, clean, result);
}

// Before the turn every verdict counts; after it no action is tried again, and only what decides an
// undecided step is worth a record.
bool StillCounts(const SagaView& view, const PlaceView& step, const AttemptResult& result) {
  if (view.direction == SagaState::kRunning) return step.status == StepStatus::kWaiting;
  if (step.status != StepStatus::kMayHaveRun || !step.undecided) return false;
  const bool decides = result.kind == VerdictKind::kDone || result.kind == VerdictKind::kRejected ||
                       result.kind == VerdictKind::kRejectedForKey;
  return decides && !result.output_failed;
}

// What a pure function gave: it is right, or it never will be.
Judgement JudgePrelude(const SagaView& view, const DefinitionData& definition,
                       const Attempts& attempts, const AttemptResult& result) {
  if (view.direction != SagaState::kRunning) return {.kind = Judgement::Kind::kIgnored};
  if (result.has_output()) {
    return Decided(VerdictKind::kDone, false, result);
  }
  if (IsBeyondPivot(view, definition, attempts.step))
    return GiveUp(result.kind, std::string(result.reason()));
  return Decided(VerdictKind::kRejected, true, result);
}

}  // namespace

const RetryPolicy& PolicyOf(const StepNode& node, Direction direction) {
  return direction == Direction::kAction ? node.options.retry : node.options.compensation_retry;
}

Attempts* FindAttempts(AttemptList& list, uint16_t step, uint32_t index, Direction direction) {
  return const_cast<Attempts*>(Find(list, step, index, direction));
}

bool MustTurn(const SagaView& view) {
  bool must = false;
  ForEachPlace(view, [&](uint16_t, uint32_t, const PlaceView& place) {
    must = must || CausesTurn(place.status);
  });
  return must;
}

NextList Plan(const SagaView& view, const DefinitionData& definition, const AttemptList& attempts,
              MicroTime now) {
  NextList out;
  if (view.state == SagaState::kRunning) PlanForward(view, definition, attempts, now, out);
  if (view.state == SagaState::kCompensating) PlanBackward(view, definition, attempts, now, out);
  return out;
}

Event PutOff(const SagaView& view, const Attempts& attempts, MicroTime now, std::string* out) {
  Event event;
  event.kind = EventKind::kVerdict;
  event.time = now;
  event.step = attempts.step;
  event.index = attempts.index;
  event.direction = attempts.direction;
  event.verdict = VerdictKind::kRetryLater;
  event.clean = IsClean(attempts, PlaceAt(view, attempts.step, attempts.index));
  out->clear();
  ByteWriter(out).Little(static_cast<uint64_t>(attempts.next.micros())).Varint(attempts.count);
  event.has_output = true;
  event.output = *out;
  return event;
}

bool IsWritten(const PlaceView& place, const Attempts& attempts) {
  return !attempts.running && !attempts.reconciling && attempts.zombies == 0 &&
         (!attempts.unclean || place.unclean || attempts.lost) && place.tried == attempts.count &&
         place.not_before == attempts.next;
}

Judgement Judge(const SagaView& view, const DefinitionData& definition, Attempts& attempts,
                const AttemptResult& result, MicroTime now, double jitter, bool spent) {
  const Circumstances by{now, jitter, spent};
  const StepNode& node = definition.steps[attempts.step];
  const bool action = attempts.direction == Direction::kAction;
  const bool pure = PreludeIsDue(node, view.steps[attempts.step]) || internal::IsPure(node.kind);
  if (action && pure) return JudgePrelude(view, definition, attempts, result);
  const PlaceView& step = PlaceAt(view, attempts.step, attempts.index);
  if (action && !StillCounts(view, step, result)) return {.kind = Judgement::Kind::kIgnored};
  switch (result.kind) {
    case VerdictKind::kDone:
      if (action && result.output_failed) return GiveUp(result.kind, std::string(result.reason()));
      return Decided(VerdictKind::kDone, false, result);
    case VerdictKind::kRejected:
    case VerdictKind::kRejectedForKey:
      if (!action) return GiveUp(result.kind, std::string(result.reason()));
      return JudgeRejected(view, definition, step, attempts, result, by);
    case VerdictKind::kRetryLater:
      return TryAgain(step, node, attempts, result, by);
    case VerdictKind::kUnknown:
      attempts.unclean = true;
      return TryAgain(step, node, attempts, result, by);
  }
  SKALD_CHECK(false, "verdict {}", static_cast<int>(result.kind));
  return {};
}

MicroTime AttemptDeadline(const SagaView& view, const DefinitionData& definition,
                          const Attempts& attempts, MicroTime now) {
  const MicroTime own = now + definition.steps[attempts.step].options.timeout;
  if (attempts.direction == Direction::kCompensation) return own;
  if (IsBeyondPivot(view, definition, attempts.step)) return own;
  const bool first = !attempts.resent && !attempts.lost && !view.steps[attempts.step].unclean;
  const bool pivot = definition.steps[attempts.step].step_class == StepClass::kPivot;
  return pivot && !first ? own : std::min(own, view.deadline);
}

}  // namespace skald::inline v1
