// The outside: who starts sagas and waits for them, and what is asked at the end.
#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <utility>

#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "world.h"

namespace skald::inline v1::internal {
namespace {

// Keys whose names are known at run time only.
struct NamedSaga {
  using Input = std::string;
  using Result = std::string;
  std::string_view saga;
  uint32_t number;
  std::string_view name() const { return saga; }
  uint32_t version() const { return number; }
};
// Something of it reads the input, whatever else it does. (What only waits can end without.)
bool ReadsInput(const SimulatedDefinition& saga) {
  return std::any_of(saga.steps.begin(), saga.steps.end(), [](const SimulatedStep& step) {
    const bool calls = step.kind == StepKind::kCall || IsPure(step.kind) || step.items_max > 0;
    return calls ||
           (step.kind == StepKind::kSleep && step.sleep_by != SimulatedStep::SleepBy::kConstant);
  });
}

NamedSaga KeyOf(const SimulatedDefinition& saga) {
  return {saga.name, saga.version};
}

}  // namespace

const SimulatedDefinition* World::DefinitionNamed(std::string_view name) const {
  for (const SimulatedDefinition& saga : definitions_) {
    if (saga.name == name) return &saga;
  }
  return nullptr;
}

// ---- the plan -----------------------------------------------------------------------------------

void World::ScheduleClients() {
  SeededRandom& random = Stream(Knob::kSagas);
  const auto at = [&] {
    const absl::Duration any = absl::Seconds(8) * random.UnitInterval();
    const bool burst = Stream(Knob::kBurst).Below(1000) < profile_[Knob::kBurst];
    return absl::Milliseconds(1) + (burst ? absl::Seconds(1) + any / 200 : any);
  };
  for (uint32_t i = 0; i < profile_[Knob::kSagas]; ++i) {
    Intent& intent = intents_.emplace_back();
    intent.definition = random.Below(definitions_.size());
    intent.key = fmt::format("k{}", i);
    intent.input = fmt::format("{} of k{}", Chance(Knob::kPoison) ? "poison" : "input", i);
    if (IsPoison(intent.input)) trace_.Count("asked with poison");
    if (Chance(Knob::kDeadline)) {
      intent.deadline = Between(Knob::kDeadline, absl::Milliseconds(1), absl::Seconds(2));
      trace_.Count("asked with a deadline");
    }
    const absl::Duration first = at();
    scheduler_.After(first, [this, i] { StartIntent(i, false); });
    const auto plan = [&](Knob knob, absl::Duration most, Work what) {
      if (!Chance(knob)) return;
      scheduler_.After(first + Between(knob, absl::ZeroDuration(), most), std::move(what));
    };
    scheduler_.After(first, [this, i] { SendSignals(i); });
    plan(Knob::kAgain, absl::Seconds(6), [this, i] { StartIntent(i, false); });
    plan(Knob::kOtherInput, absl::Seconds(3), [this, i] { StartIntent(i, true); });
    plan(Knob::kBadStart, absl::Seconds(1), [this, i] { BadStart(i); });
    plan(Knob::kCancel, absl::Milliseconds(100), [this, i] { CancelIntent(i); });
    plan(Knob::kVerbs, absl::Seconds(2), [this, i] { RetryIntent(i); });
  }
}

// A client that was not answered asks again, under the same key.
void World::RestartIntents() {
  for (size_t i = 0; i < intents_.size(); ++i) {
    if (intents_[i].id && intents_[i].settled) continue;
    if (scheduler_.clock().Boot() < absl::Seconds(8) && !intents_[i].id) continue;
    AskAgain(i, Between(Knob::kSagas, absl::Milliseconds(1), absl::Milliseconds(300)));
  }
}

void World::AskAgain(size_t index, absl::Duration delay) {
  if (std::exchange(intents_[index].asks_again, true)) return;
  scheduler_.After(delay, [this, index] {
    Intent& intent = intents_[index];
    intent.asks_again = false;
    if (!intent.id || !intent.settled) StartIntent(index, false);
  });
}

// Soon over, or made old by a clock that leapt.
bool World::MayBeForgotten(const Intent& intent) const {
  const absl::Duration retention = definitions_[intent.definition].retention;
  return retention < absl::Hours(1) ||
         oracle_.Find(*intent.id)->updated + retention <= EngineNow(*active_);
}

// ---- starts -------------------------------------------------------------------------------------

void World::StartIntent(size_t index, bool other_input) {
  const Intent& intent = intents_[index];
  Process* const process = active_;
  if (process == nullptr || !process->alive || process->paused) return;
  const SimulatedDefinition& saga = definitions_[intent.definition];
  if (other_input && (!intent.id || MayBeForgotten(intent))) return;
  trace_.Say("client", "asks {} to start {}{}", process->name, intent.key,
             other_input ? " with another input" : "");
  trace_.Count(other_input ? "asked with another input"
               : intent.id ? "asked again"
                           : "asked to start");
  const std::string input = other_input ? intent.input + ", another" : intent.input;
  process->coordinator->StartThen(
      KeyOf(saga), input, {.key = intent.key, .deadline = intent.deadline},
      [this, process, index, other_input](absl::StatusOr<SagaHandle<std::string>> answer) {
        if (!process->alive || Site(*process, "before an answer")) return;
        OnStartAnswer(*process, index, other_input, std::move(answer));
      });
}

void World::OnStartAnswer(Process& process, size_t index, bool other_input,
                          absl::StatusOr<SagaHandle<std::string>> answer) {
  Intent& intent = intents_[index];
  const absl::StatusCode code = answer.status().code();
  if (other_input) {
    trace_.Count(fmt::format("other input {}", absl::StatusCodeToString(code)));
    oracle_.Check(Promise::kIdentity, !answer.ok(),
                  fmt::format("'{}' took another input under a key that has a saga", intent.key));
    return;
  }
  if (!answer.ok()) {
    trace_.Say("client", "is told of {}: {}", intent.key, absl::StatusCodeToString(code));
    trace_.Count(fmt::format("start {}", absl::StatusCodeToString(code)));
    oracle_.Check(Promise::kIdentity, code != absl::StatusCode::kAlreadyExists,
                  fmt::format("'{}' is told that its key has another input: {}", intent.key,
                              ToStd(answer.status().message())));
    // The same key again.
    if (!intent.id) AskAgain(index, absl::Milliseconds(100 + dice_.Below(200)));
    return;
  }
  trace_.Say("client", "is told that {} is saga {}{}", intent.key, ToString(answer->id()),
             answer->existed() ? ", which existed" : "");
  trace_.Count(answer->existed() ? "start existed" : "start acknowledged");
  oracle_.OnStarted({definitions_[intent.definition].name, intent.key, intent.input, answer->id(),
                     answer->existed(), EngineNow(process), process.stale});
  if (intent.id != answer->id()) intent.settled = false;
  intent.id = answer->id();
  answer->AwaitThen([this, p = &process, index,
                     id = answer->id()](const absl::StatusOr<Outcome<std::string>>& outcome) {
    if (!p->alive || Site(*p, "before an outcome")) return;
    OnOutcome(*p, index, id, outcome);
  });
}

void World::OnOutcome(Process& process, size_t index, SagaId id,
                      const absl::StatusOr<Outcome<std::string>>& outcome) {
  Intent& intent = intents_[index];
  if (!outcome.ok()) {
    trace_.Count(fmt::format("outcome {}", absl::StatusCodeToString(outcome.status().code())));
    return;
  }
  trace_.Say("client", "is told that {} is {}", intent.key, ToString(outcome->state()));
  trace_.Count(fmt::format("outcome {}", ToString(outcome->state())));
  const bool gone = outcome->state() == SagaState::kStuck ||
                    outcome->state() == SagaState::kAbandoned ||
                    outcome->state() == SagaState::kCompensated;  // cancelled, or out of time
  oracle_.Check(Promise::kIsolation,
                !IsPoison(intent.input) || gone || !ReadsInput(definitions_[intent.definition]),
                fmt::format("'{}' is {}, and its input cannot be read", intent.key,
                            ToString(outcome->state())));
  std::optional<std::string> result;
  if (outcome->result() != nullptr) result = *outcome->result();
  // A stale owner tells what it knew.
  if (!process.stale || IsTerminal(outcome->state())) {
    oracle_.OnSettled(id, outcome->state(), result);
  }
  if (IsTerminal(outcome->state())) {
    if (intent.id == id) intent.settled = true;
    return;
  }
  scheduler_.After(Between(Knob::kVerbs, absl::Milliseconds(1), absl::Seconds(2)),
                   [this, id, index] {
                     Help(id, ++helped_[id]);
                     StartIntent(index, false);
                   });
}

// Starts that must be refused, with nothing half done.
void World::BadStart(size_t index) {
  Process* const process = active_;
  if (process == nullptr || !process->alive || process->paused) return;
  const SimulatedDefinition& saga = definitions_[intents_[index].definition];
  const uint64_t kind = dice_.Below(3);
  NamedSaga key = KeyOf(saga);
  if (kind == 0) key.number = 99;
  const std::string input(kind == 1 ? 5000 : 10, 'x');
  const std::string name = kind == 2 ? std::string(100, 'k') : fmt::format("bad{}", index);
  trace_.Count("asked what must be refused");
  process->coordinator->StartThen(
      key, input, {.key = name},
      [this, kind](const absl::StatusOr<SagaHandle<std::string>>& answer) {
        const absl::StatusCode expected =
            kind == 0 ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kInvalidArgument;
        const absl::StatusCode code = answer.status().code();
        const bool right =
            code == expected || (kind != 0 && code == absl::StatusCode::kFailedPrecondition);
        oracle_.Check(
            Promise::kBounds, right || code == absl::StatusCode::kUnavailable,
            fmt::format("a start that is over a bound got {}", answer.status().ToString()));
      });
}

// ---- the end ------------------------------------------------------------------------------------

// Late calls for what has ended, by blocking: nothing of it happens any more.
void World::AskServices() {
  for (const Effect& effect : ReadBooks(own_.memory).effects) {
    const auto seen = oracle_.Find(effect.action.saga);
    const SimulatedDefinition* saga = seen ? DefinitionNamed(seen->definition) : nullptr;
    if (saga == nullptr) continue;
    for (uint16_t step = 0; step < saga->steps.size(); ++step) {
      if (StepHash(saga->steps[step].name) != effect.action.step) continue;
      Asked asked;
      asked.request = BarrierRequest::Of(Told{effect.action}, InputOfStep(seen->id, *saga, step));
      asked.output = StepOutput(*saga, step, SubjectOfStep(*saga, step, SubjectOf(seen->id)),
                                effect.action.index, profile_[Knob::kBigOutput]);
      const Verdict<std::string> again = active_->own->HandleNow(asked);
      oracle_.Check(Promise::kEffect, !again.done() || again.output() == asked.output,
                    "a repeated action gives another output");
      asked.verb = BarrierVerb::kReconcile;
      const Verdict<std::string> told = active_->own->HandleNow(asked);
      oracle_.Check(Promise::kEffect, told.kind() == again.kind(),
                    "a repeated action and Reconcile differ");
      if (seen->state != SagaState::kCompensated || effect.undone == 0) continue;
      asked.verb = BarrierVerb::kCompensation;
      asked.request.key.direction = Direction::kCompensation;
      const Verdict<std::string> undone = active_->own->HandleNow(asked);
      // Below the floor it is refused; the books are looked at afterwards.
      oracle_.Check(Promise::kEffect, undone.done() || undone.kind() == VerdictKind::kUnknown,
                    "a repeated compensation is rejected");
    }
  }
  oracle_.Check(Promise::kEffect, active_->own->Sweep().ok() && active_->shared->Sweep().ok(),
                "a quiet barrier does not sweep");
}

// What a store and a committer must refuse, with nothing half done.
void World::AskStores() {
  Committer& committer = *active_->own_committer;
  const auto refuses = [this](const absl::Status& status, absl::StatusCode code) {
    oracle_.Check(Promise::kBounds, status.code() == code,
                  fmt::format("what must be refused got {}", status.ToString()));
  };
  Unit large;
  large.Put(Space::kRows, "k", std::string(committer.store().limits().value_bytes + 1, 'x'));
  refuses(committer.Enqueue(std::move(large), nullptr), absl::StatusCode::kInvalidArgument);
  Unit requires_a_row;
  requires_a_row.Require("k", Version::kAbsent);
  refuses(committer.Enqueue(std::move(requires_a_row), nullptr),
          absl::StatusCode::kInvalidArgument);
  refuses(own_.memory.Acquire("not a name\n").status(), absl::StatusCode::kInvalidArgument);
  Fence fence = committer.fence();
  const Batch out_of_turn{.number = ~uint64_t{0} >> 1, .ticket = 1, .units = {}};
  refuses(own_.memory.Commit(fence, out_of_turn).status(), absl::StatusCode::kFailedPrecondition);
  fence.store = StoreId{99};
  refuses(own_.memory.Commit(fence, out_of_turn).status(), absl::StatusCode::kInvalidArgument);
  fence = committer.fence();
  --fence.epoch;
  refuses(own_.memory.DropRange(fence, Space::kLog, {}), absl::StatusCode::kAborted);
  const auto stats = committer.stats();
  oracle_.Check(Promise::kBounds, stats.queue_bytes == 0, "a quiet committer has a queue");
  refuses(committer.Shutdown(absl::Seconds(1)), absl::StatusCode::kOk);
  refuses(committer.Enqueue(Unit(), nullptr), absl::StatusCode::kUnavailable);
  refuses(committer.Get("k").status(), absl::StatusCode::kUnavailable);
}

// Everything is quiet and healthy: what is asked by blocking is answered as it was by callback.
void World::AskEverything() {
  Coordinator& coordinator = *active_->coordinator;
  oracle_.Check(
      Promise::kBounds, coordinator.stats().in_flight == 0,
      fmt::format("{} sagas are in memory, and all have ended", coordinator.stats().in_flight));
  const absl::Time now = EngineNow(*active_);
  for (const Intent& intent : intents_) {
    const SimulatedDefinition& saga = definitions_[intent.definition];
    if (MayBeForgotten(intent)) continue;
    const auto found = coordinator.Find(KeyOf(saga), intent.key);
    oracle_.Check(Promise::kAcknowledged, found.ok() && found->id() == *intent.id,
                  fmt::format("'{}' is not found: {}", intent.key, found.status().ToString()));
    const StartRequest<std::string> again{intent.input, {.key = intent.key}};
    const auto started = coordinator.StartMany(KeyOf(saga), std::span(&again, 1));
    oracle_.Check(Promise::kAcknowledged, started.front().ok(), "a known key is not answered");
    if (!started.front().ok()) continue;
    oracle_.OnStarted({saga.name, intent.key, intent.input, started.front()->id(),
                       started.front()->existed(), now});
    const auto outcome = started.front()->Await(absl::ZeroDuration());
    oracle_.Check(Promise::kEnd, outcome.ok(), "an ended saga has no outcome");
    if (outcome.ok()) oracle_.OnSettled(outcome->id(), outcome->state(), std::nullopt);
    const auto shown = coordinator.Show(*intent.id);
    oracle_.Check(Promise::kEnd,
                  shown.ok() && outcome.ok() && shown->info.state == outcome->state(),
                  "Show and Await differ");
    const absl::Status late = coordinator.Cancel(*intent.id, {"client", "too late"});
    oracle_.Check(Promise::kEnd, absl::IsFailedPrecondition(late), "an ended saga was cancelled");
  }
  const auto live = coordinator.List({});
  oracle_.Check(Promise::kEnd, live.ok() && live->empty(), "List shows what has ended");
  const auto finished = coordinator.List({.finished = true});
  oracle_.Check(Promise::kAcknowledged, finished.ok(), "List fails");
  const absl::Status ended = coordinator.Shutdown(absl::Seconds(1));
  oracle_.Check(Promise::kBounds, ended.ok(),
                fmt::format("a quiet coordinator does not shut down: {}", ended.ToString()));
}

}  // namespace skald::inline v1::internal
