// Sagas that a saga's steps start and wait for.
//
//   dispatchable -> started under the step's own effect key, or found -> its starter may leave
//   memory it ends -> tells its starter, brought back for that -> asked again -> verdict
//
// The starter learns the end in one way only, by asking under the key; being told, coming back and
// a restart all lead there. Nothing of that is journaled but the verdict: the key is fixed by the
// starter's journal, and a key is started once.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr char kMark = '~';
// A day is left for a loop that stalls between this look and the start.
constexpr absl::Duration kStartedSafely = absl::Hours(24 * 29);
constexpr size_t kHexDigits = 2 * EffectKey::kBytes;

// ~, the step's effect key in hex, and from the first Retry on a dot and their number.
std::string KeyOf(const EffectKey& starter, uint32_t retries) {
  const std::string key = kMark + ToString(starter);
  return retries == 0 || SKALD_SABOTAGED(kRetriesTheSameSaga) ? key
                                                              : fmt::format("{}.{}", key, retries);
}

std::optional<EffectKey> StarterOf(std::string_view key) {
  if (key.size() < 1 + kHexDigits || key.front() != kMark) return std::nullopt;
  absl::StatusOr<EffectKey> starter = ParseEffectKey(key.substr(1, kHexDigits));
  if (!starter.ok()) return std::nullopt;
  return *starter;
}

// Asked again, it would say the same. (A journal that does not decode here may in the next build.)
bool IsFinal(const absl::Status& why) {
  return absl::IsAlreadyExists(why) || absl::IsInvalidArgument(why);
}

// What the end of the other saga means for the step.
AttemptResult ResultOf(const SagaId& id, const Settled& settled) {
  AttemptResult result;
  if (settled.state == SagaState::kCompleted) {
    result.kind = VerdictKind::kDone;
    result.text = settled.result.value_or("");
    return result;
  }
  result.kind = VerdictKind::kRejected;
  result.text = fmt::format("saga {}, which it started, is {}: {}", ToString(id),
                            ToString(settled.state), settled.reason);
  return result;
}

}  // namespace

std::string Shard::StartedKey(const Machine& machine, uint16_t step, uint32_t index) const {
  const StepNode& node = machine.registered->data().steps[step];
  EffectKey starter{core_.fence.store, machine.id, node.hash, index, Direction::kAction};
  if (SKALD_SABOTAGED(kSagaOfTheEpoch)) starter.step += static_cast<uint32_t>(core_.fence.epoch);
  return KeyOf(starter, PlaceAt(machine.view, step, index).retries);
}

void Shard::AskSaga(Machine& machine, const Next& next) {
  if (core_.draining.load(std::memory_order_relaxed)) return;
  const SagaView& view = machine.view;
  const StepNode& node = machine.registered->data().steps[next.step];
  const Registered* registered = core_.FindDefinition(node.saga->definition, node.saga->version);
  Attempts& attempts = AttemptsFor(machine, next);
  attempts.running = true;
  attempts.sent = false;
  attempts.next = now_;
  ++attempts.count;
  attempts.token = machine.next_token++;
  Slice input = node.input_from ? view.steps[*node.input_from].output : view.input;
  if (view.steps[next.step].expanded) {
    input = view.items()[view.steps[next.step].items.first + next.index].item;
  }
  StartedCallback done = [this, id = machine.id, step = next.step, index = next.index,
                          token = attempts.token](absl::StatusOr<Started> answer) {
    Post({.kind = Message::Kind::kCall,
          .object = nullptr,
          .call = [=, answer = std::move(answer)](Shard& shard) {
            shard.TakeAnswer(id, step, index, token, answer);
          }});
  };
  std::string key = StartedKey(machine, next.step, next.index);
  // When a saga that has ended is not known any more, starting it would do all of it again. So long
  // it is known, whatever its definition says, and said when it ended.
  const absl::Duration age = now_ - PlaceAt(view, next.step, next.index).since;
  if (age >= kStartedSafely) {
    return core_.FindStarted(registered->data().name, std::move(key), std::move(done));
  }
  core_.in_flight.fetch_add(1,
                            std::memory_order_relaxed);  // an admitted saga's work is never refused
  std::unique_ptr<PendingStart> start = core_.NewStart(*registered, std::move(key));
  start->input = input.In(machine.journal);
  core_.PostStart(std::move(start), absl::InfiniteDuration(), std::move(done));
}

void Shard::TakeAnswer(const SagaId& id, uint16_t step, uint32_t index, uint32_t token,
                       const absl::StatusOr<Started>& answer) {
  Machine* machine = InMemory(id);
  Attempts* attempts = machine == nullptr
                           ? nullptr
                           : FindAttempts(machine->attempts, step, index, Direction::kAction);
  if (attempts == nullptr || !attempts->running || attempts->token != token) return;
  AttemptResult result;
  if (answer.ok()) {
    std::optional<absl::StatusOr<Settled>> settled = answer->watch->Peek();
    if (SKALD_SABOTAGED(kTakesRunningForDone)) settled = Settled{};
    if (!settled || !settled->ok() || !IsTerminal((*settled)->state)) {
      // It will say when it ends.
      attempts->sent = true;
      return Advance(*machine);
    }
    result = ResultOf(answer->watch->id(), **settled);
  } else if (absl::IsNotFound(answer.status())) {
    result.kind = VerdictKind::kRejected;
    result.text =
        "the saga that it may have started is not known any more: its retention is over; look at "
        "what it did, then supply the output, or retry, which starts another";
  } else {
    result.kind = IsFinal(answer.status()) ? VerdictKind::kRejected : VerdictKind::kRetryLater;
    result.text = ToStd(answer.status().message());
  }
  attempts->running = false;
  Conclude(*machine, *attempts, result);
}

bool Shard::IsStartedByStep(std::string_view key) {
  return StarterOf(key).has_value();
}

void Shard::TellStarter(const Machine& ended) {
  const std::optional<EffectKey> starter = StarterOf(ended.key());
  if (!starter || starter->store != core_.fence.store || SKALD_SABOTAGED(kForgetsToTell)) return;
  core_.ShardOf(starter->saga.hash)
      .Post({.kind = Message::Kind::kCall, .object = nullptr, .call = [starter](Shard& shard) {
               shard.HearOfEnd(*starter);
             }});
}

void Shard::HearOfEnd(const EffectKey& starter) {
  // One that cannot be read is asked again later, as after a crash.
  const absl::StatusOr<Machine*> live = FindLive(starter.saga);
  if (!live.ok() || *live == nullptr || (*live)->registered == nullptr) return;
  Machine& machine = **live;
  for (Attempts& attempts : machine.attempts) {
    const StepNode& node = machine.registered->data().steps[attempts.step];
    const bool asked = node.kind == StepKind::kSaga && node.hash == starter.step &&
                       attempts.index == starter.index;
    if (asked) attempts.running = false;
  }
  if (machine.halted.empty()) Advance(machine);
}

bool Shard::WaitsForItsEnd(const Machine& machine, const Attempts& attempts) {
  return attempts.running && attempts.sent &&
         machine.registered->data().steps[attempts.step].kind == StepKind::kSaga;
}

}  // namespace skald::inline v1::internal
