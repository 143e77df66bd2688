// People: who sends signals, cancels, is impatient, and helps stuck sagas on.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "world.h"

namespace skald::inline v1::internal {
namespace {

// Keys whose names are known at run time only.
struct NamedSignal {
  using Output = std::optional<std::string>;
  using Payload = std::string;
  std::string_view step;
  std::string_view name() const { return step; }
};
struct NamedStep {
  using Output = std::string;
  std::string_view step;
  std::string_view name() const { return step; }
};

}  // namespace

VerbCallback World::VerbDone(Process& process, SagaId id, EventKind kind, Verb verb) {
  return [this, p = &process, id, kind, verb](const absl::Status& status) {
    if (!p->alive || Site(*p, "before a verb's answer")) return;
    const std::string_view name = kind == EventKind::kCancelAsked ? "Cancel" : ToString(verb);
    trace_.Say("operator", "is told of {} of {}: {}", name, ToString(id),
               absl::StatusCodeToString(status.code()));
    trace_.Count(fmt::format("{} {}", name, absl::StatusCodeToString(status.code())));
    if (status.ok()) oracle_.OnVerb(id, kind, verb);
  };
}

// What an await waits for: some come too early, or late, twice, or when another was there before.
void World::SendSignals(size_t index) {
  const SimulatedDefinition& saga = definitions_[intents_[index].definition];
  for (uint16_t step = 0; step < saga.steps.size(); ++step) {
    if (saga.steps[step].kind != StepKind::kAwait || !Chance(Knob::kSignals)) continue;
    SeededRandom& random = Stream(Knob::kSignals);
    const uint64_t senders = random.Chance(0.4) ? 2 : 1;
    absl::Duration when;
    for (uint64_t sender = 0; sender < senders; ++sender) {
      const std::string dedup = fmt::format("{}/{}", saga.steps[step].name, sender);
      const bool at_once = sender > 0 && random.Chance(0.5);
      const absl::Duration any =
          Between(Knob::kSignals, absl::ZeroDuration(), absl::Milliseconds(1500));
      when = at_once ? when + absl::Microseconds(10) : any;
      scheduler_.After(when, [this, index, step, dedup] { SendSignal(index, step, dedup, 8); });
      if (!random.Chance(0.3)) continue;
      scheduler_.After(when * 2, [this, index, step, dedup] { SendSignal(index, step, dedup, 1); });
    }
  }
}

// `times`: so often it is tried before the sender gives up.
void World::SendSignal(size_t index, uint16_t step, const std::string& dedup, int times) {
  const Intent& intent = intents_[index];
  const auto again = [this, index, step, dedup, times] {
    if (times <= 1) return;
    scheduler_.After(Between(Knob::kSignals, absl::Milliseconds(10), absl::Milliseconds(400)),
                     [=, this] { SendSignal(index, step, dedup, times - 1); });
  };
  Process* const process = active_;
  if (!intent.id || process == nullptr || !process->alive || process->paused) return again();
  const SimulatedDefinition& saga = definitions_[intent.definition];
  const SagaId id = *intent.id;
  trace_.Say("sender", "signals {} to {} ({})", saga.steps[step].name, intent.key, dedup);
  process->coordinator->SignalThen(
      id, NamedSignal{saga.steps[step].name}, "paid " + dedup, dedup,
      [this, process, id, step, dedup, again](const absl::Status& status) {
        if (!process->alive) return again();
        trace_.Say("sender", "is told: {}", ToStd(absl::StatusCodeToString(status.code())));
        trace_.Count(fmt::format("signal {}", ToStd(absl::StatusCodeToString(status.code()))));
        if (status.ok()) return oracle_.OnSignalTaken(id, step, dedup);
        if (absl::IsFailedPrecondition(status)) oracle_.OnSignalRefused(id, step, dedup);
        // (A refused one is asked for again by whoever did not get the answer.)
        if (!absl::IsNotFound(status)) again();
      });
}

void World::CancelIntent(size_t index) {
  Process* const process = active_;
  const Intent& intent = intents_[index];
  if (!intent.id || process == nullptr || !process->alive || process->paused) return;
  trace_.Say("operator", "asks {} to cancel {}", process->name, intent.key);
  process->coordinator->CancelThen(
      *intent.id, {"client", "changed my mind"},
      VerbDone(*process, *intent.id, EventKind::kCancelAsked, Verb::kRetry));
}

void World::RetryIntent(size_t index) {
  Process* const process = active_;
  const Intent& intent = intents_[index];
  if (!intent.id || process == nullptr || !process->alive || process->paused) return;
  trace_.Say("operator", "asks {} to retry {}", process->name, intent.key);
  const SagaId id = *intent.id;
  std::erase_if(waits_, [id](const Waits& waits) { return waits.key.saga == id; });
  // From here on attempts that are overdue may be passed by.
  oracle_.OnRelease(id);
  process->coordinator->RetryThen(id, {"operator", "impatient"},
                                  VerbDone(*process, id, EventKind::kOperatorVerb, Verb::kRetry));
}

// What an operator does for a stuck saga: tries again, asks the participant and says what it says,
// and in the end gives it up.
void World::Help(SagaId id, uint32_t times) {
  Process* const process = active_;
  if (IsPoisoned(id)) return GiveUp(id);
  const auto blocked = oracle_.Blocked(id);
  if (!blocked || process == nullptr || !process->alive || process->paused) return;
  const auto seen = oracle_.Find(id);
  const SimulatedDefinition* saga = DefinitionNamed(seen->definition);
  trace_.Say("operator", "helps {} for the {}. time", seen->key, times);
  const bool pivot = saga->steps[blocked->step].step_class == StepClass::kPivot;
  if (blocked->direction == Direction::kAction && pivot && times % 3 != 1) {
    return HelpPivot(id, blocked->step);
  }
  std::erase_if(waits_, [id](const Waits& waits) { return waits.key.saga == id; });
  oracle_.OnRelease(id);
  if (times <= 3) {
    process->coordinator->RetryThen(id, {"operator", "repaired"},
                                    VerbDone(*process, id, EventKind::kOperatorVerb, Verb::kRetry));
  } else {
    GiveUp(id);
  }
}

void World::HelpPivot(SagaId id, uint16_t step) {
  Process* const process = active_;
  const auto seen = oracle_.Find(id);
  const SimulatedDefinition& saga = *DefinitionNamed(seen->definition);
  Asked asked;
  asked.verb = BarrierVerb::kReconcile;
  asked.request.key = {StoreId{1}, id, StepHash(saga.steps[step].name), 0, Direction::kAction};
  asked.request.fingerprint =
      BarrierRequest::Of(Told{asked.request.key}, InputOfStep(id, saga, step)).fingerprint;
  const std::string subject = SubjectOfStep(saga, step, SubjectOf(id));
  asked.output = StepOutput(saga, step, subject, 0, profile_[Knob::kBigOutput]);
  const std::string name = saga.steps[step].name;
  const std::string output = StepOutput(saga, step, subject, 0, 0);
  Deliver(process, saga.steps[step].service, asked,
          Reply([this, process, id, name, output](absl::StatusOr<Verdict<std::string>> verdict) {
            if (!verdict.ok() || !process->alive) return;
            if (verdict->done()) {
              process->coordinator->SupplyOutputThen(
                  id, NamedStep{name}, output, {"operator", "the participant says so"},
                  VerbDone(*process, id, EventKind::kOperatorVerb, Verb::kSupplyOutput));
            } else if (verdict->kind() == VerdictKind::kRejectedForKey) {
              process->coordinator->MarkNotDoneThen(
                  id, name, {"operator", "the participant says so"},
                  VerbDone(*process, id, EventKind::kOperatorVerb, Verb::kMarkNotDone));
            }
          }));
}

bool World::IsPoisoned(SagaId id) const {
  return IsPoison(oracle_.InputOf(id));
}

void World::GiveUp(SagaId id) {
  Process* const process = active_;
  if (process == nullptr || !process->alive || process->paused) return;
  process->coordinator->AbandonThen(
      id, {"operator", "not to be repaired"},
      VerbDone(*process, id, EventKind::kOperatorVerb, Verb::kAbandon));
}

void World::HelpStuck() {
  for (const auto& saga : oracle_.sagas()) {
    const bool poisoned = !IsTerminal(saga.state) && IsPoisoned(saga.id);
    if (poisoned || saga.state == SagaState::kStuck) Help(saga.id, ++helped_[saga.id]);
  }
}

}  // namespace skald::inline v1::internal
