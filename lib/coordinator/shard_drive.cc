// Driving a saga: its journal grows, and what its plan then asks for is done.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
std::string Shard::StepName(const Machine& machine, uint16_t step) const {
  if (machine.registered == nullptr || step >= machine.registered->data().steps.size()) return {};
  return machine.registered->data().steps[step].name;
}

namespace {

bool StartsSaga(const Machine& machine, const Next& next) {
  return !next.prelude && machine.registered->data().steps[next.step].kind == StepKind::kSaga;
}

}  // namespace

void Shard::Append(Machine& machine, const Event& event) {
  absl::Status why_not;
  SKALD_CHECK(TryAppend(machine, event, &why_not), "saga {}: {}", ToString(machine.id),
              ToStd(why_not.message()));
}

bool Shard::TryAppend(Machine& machine, const Event& event, absl::Status* why_not) {
  machine.MakeRoom(EventBytesMax(event));
  const size_t at = machine.journal.size();
  *why_not = AppendAndFold(event, machine.view, machine.registered->data(), &machine.journal);
  if (!why_not->ok()) return false;
  AddToGroup(machine, at);
  return true;
}

void Shard::AppendWithoutDefinition(Machine& machine, Event event) {
  // Without its graph only an abandonment can be told.
  event.state_after = SagaState::kAbandoned;
  machine.MakeRoom(EventBytesMax(event));
  const size_t at = machine.journal.size();
  AppendEvent(event, &machine.journal);
  std::string_view tail = std::string_view(machine.journal).substr(at);
  const absl::StatusOr<Event> appended = ReadEvent(tail);
  const absl::Status folded =
      appended.ok() ? Fold(machine.view, nullptr, machine.journal, *appended) : appended.status();
  SKALD_CHECK(folded.ok(), "saga {}: {}", ToString(machine.id), ToStd(folded.message()));
  AddToGroup(machine, at);
}

void Shard::AddToGroup(Machine& machine, size_t journal_from) {
  live_bytes_ += machine.journal.size() - journal_from;
  Group& group = Pending();
  if (machine.asleep) {
    CarryBack(machine, group);
  } else {
    group.builder.Add(machine.id, false, std::string_view(machine.journal).substr(journal_from));
  }
  if (machine.group == group.serial) return;
  machine.group = group.serial;
  ++machine.undurable;
  group.machines.push_back(&machine);
}

void Shard::Advance(Machine& machine) {
  if (machine.undurable > 0) return;
  if (IsTerminal(machine.view.state)) return Finish(machine);
  if (machine.AtRest()) return AnnounceStuck(machine);
  Follow(machine, Plan(machine.view, machine.registered->data(), machine.attempts, now_));
}

void Shard::Follow(Machine& machine, const NextList& nexts) {
  MicroTime wait_until = MicroTime::InfiniteFuture();
  MicroTime ask_again = MicroTime::InfiniteFuture();
  bool patient = false;
  for (const Next& next : nexts) {
    switch (next.kind) {
      case NextKind::kRun:
        // One that ran inline, just now, may have ended it for the others.
        if (&next != &nexts.front() && next.direction == Direction::kAction &&
            MustTurn(machine.view)) {
          break;
        }
        if (StartsSaga(machine, next)) {
          AskSaga(machine, next);
        } else {
          Dispatch(machine, next);
        }
        break;
      case NextKind::kAskAgain: {
        // Most sagas end soon: leaving memory is for what takes longer.
        const Attempts& asked = AttemptsFor(machine, next);
        const MicroTime patience = asked.next + core_.options.asleep_after;
        if (patience > now_) {
          patient = true;
          wait_until = std::min(wait_until, patience);
        }
        ask_again = std::min(ask_again, next.at);
        break;
      }
      case NextKind::kGiveUp:
        GiveUpUntried(machine, next);
        break;
      case NextKind::kWaitUntil:
        wait_until = std::min(wait_until, next.at);
        break;
      case NextKind::kDeadline: {
        Event event;
        event.kind = EventKind::kDeadlinePassed;
        event.time = now_;
        Append(machine, event);
        Turn(machine, next);
        break;
      }
      case NextKind::kTurn:
        Turn(machine, next);
        break;
      case NextKind::kTimer:
        EndWait(machine, next.step);
        break;
    }
    if (!machine.halted.empty()) return AnnounceStuck(machine);
  }
  const MicroTime wake = std::min(ArmTimer(machine, wait_until), ask_again);
  if (patient || !MayFallAsleep(machine, wake)) return;
  // With its rows there already it only needs to go.
  if (machine.asleep && machine.wake == wake) return LeaveMemory(machine);
  FallAsleep(machine, wake);
}

// The time of a sleep or an await is up.
void Shard::EndWait(Machine& machine, uint16_t step) {
  Event event;
  event.kind = EventKind::kTimerFired;
  event.time = now_;
  event.step = step;
  // What an await gives is an optional payload, and this is none.
  event.has_output = machine.registered->data().steps[step].kind == StepKind::kAwait;
  if (event.has_output) event.output = kNoPayload;
  Append(machine, event);
}

void Shard::Turn(Machine& machine, const Next& next) {
  Event event;
  event.kind = EventKind::kTurn;
  event.time = now_;
  event.step = next.step;
  // A step's own verdict has given the reason already.
  if (next.kind == NextKind::kDeadline) event.reason = "the saga's deadline passed";
  if (next.kind == NextKind::kTurn && next.step == Event::kNoStep) event.reason = "cancelled";
  Append(machine, event);
  // What waits for another try waits for nothing any more.
  for (size_t i = machine.attempts.size(); i-- > 0;) {
    const Attempts& entry = machine.attempts[i];
    if (entry.direction == Direction::kAction && !entry.running) machine.Forget(entry);
  }
  // No further action starts, and that is what one that the executor has not taken would do.
  DropDeferred(machine, Direction::kAction, Event::kNoStep, 0);
  // Actions that still run are asked to end; what they say in time still counts.
  for (Attempt* attempt : machine.running) attempt->stop.request_stop();
}

void Shard::GiveUpUntried(Machine& machine, const Next& next) {
  Event event;
  event.kind = EventKind::kGaveUp;
  event.time = now_;
  event.step = next.step;
  event.index = next.index;
  event.direction = next.direction;
  event.verdict = VerdictKind::kUnknown;
  event.reason = "marked Once, and an earlier attempt may have happened";
  if (const Attempts* attempts =
          FindAttempts(machine.attempts, next.step, next.index, next.direction)) {
    machine.Forget(*attempts);
  }
  Append(machine, event);
}

// RETURNS: when it is due.
MicroTime Shard::ArmTimer(Machine& machine, MicroTime at) {
  const SagaView& view = machine.view;
  for (const Attempt* attempt : machine.running) {
    if (!attempt->overdue && !attempt->queued) at = std::min(at, attempt->deadline);
  }
  if (view.state == SagaState::kRunning && !view.deadline_passed && view.deadline > now_) {
    at = std::min(at, view.deadline);
  }
  // An earlier timer is left alone: when it fires, this is worked out again.
  if (machine.timer_place == kNoPlace || machine.timer_at > at) timers_.Set(&machine, at);
  return at;
}

void Shard::FireTimers() {
  for (size_t left = timers_.size(); left > 0 && timers_.next() <= now_; --left) {
    Machine* machine = timers_.top();
    timers_.Remove(machine);
    FireTimer(*machine);
    if (MaySeal()) Seal();
  }
}

void Shard::FireTimer(Machine& machine) {
  const auto running = machine.running;
  for (Attempt* attempt : running) {
    const bool late = attempt->deadline <= now_ && !attempt->queued && !attempt->overdue;
    if (late) Overdue(machine, *attempt);
  }
  if (machine.undurable > 0) return;
  if (machine.AtRest()) return;
  Advance(machine);
}

void Shard::Halt(Machine& machine, std::string why) {
  if (!machine.halted.empty()) return;
  machine.halted = std::move(why);
}

void Shard::AnnounceStuck(Machine& machine) {
  if (machine.announced_stuck) return;
  machine.announced_stuck = true;
  Settled settled = StuckOf(machine);
  stats_.stuck.Add(1);
  core_.Notify(Severity::kError, "saga-stuck", ToString(machine.id),
               fmt::format("'{}' (key '{}') is stuck at step '{}': {}", machine.definition_name(),
                           machine.key(), settled.step, settled.reason));
  if (machine.watch) machine.watch->Settle(std::move(settled));
}

Settled Shard::StuckOf(const Machine& machine) const {
  Settled settled;
  settled.state = SagaState::kStuck;
  settled.reason = machine.halted.empty() ? std::string(machine.view.reason.In(machine.journal))
                                          : machine.halted.get();
  settled.step = StepName(machine, machine.view.reason_step);
  return settled;
}

void Shard::Finish(Machine& machine) {
  switch (machine.view.state) {
    case SagaState::kCompleted:
      stats_.completed.Add(1);
      break;
    case SagaState::kCompensated:
      stats_.compensated.Add(1);
      break;
    default:
      stats_.abandoned.Add(1);
      break;
  }
  KeepFinished(machine);
  TellStarter(machine);
  timers_.Remove(&machine);
  DropDeferred(machine, Direction::kAction, Event::kNoStep, 0);
  DropDeferred(machine, Direction::kCompensation, Event::kNoStep, 0);
  for (Attempt* attempt : machine.running) attempt->stop.request_stop();
  if (machine.floor_slot == LiveFloor::kOld) {
    live_.RemoveOld(static_cast<uint64_t>(machine.id.incarnation));
  } else {
    live_.Remove(machine.floor_slot);
  }
  Erase(&machine);
  machine.gone = true;
  if (machine.running.empty()) GiveBack(&machine);
}

}  // namespace skald::inline v1::internal
