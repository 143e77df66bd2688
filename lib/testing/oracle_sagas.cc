// What the oracle asks of sagas that steps start (docs/formats/journal.md).
#include <algorithm>

#include "oracle_expect.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

using internal::Name;
using internal::SagaModel;

namespace {

// ~, the step's effect key in hex, and a number behind a dot once an operator has retried it.
struct StarterKey {
  EffectKey step;
  uint32_t retries = 0;
};
std::optional<StarterKey> ReadStarterKey(std::string_view key) {
  constexpr size_t kDigits = 2 * EffectKey::kBytes;
  if (key.size() < 1 + kDigits || key.front() != '~') return std::nullopt;
  const absl::StatusOr<EffectKey> step = ParseEffectKey(key.substr(1, kDigits));
  if (!step.ok()) return std::nullopt;
  StarterKey read{*step, 0};
  for (const char c : key.substr(std::min(key.size(), kDigits + 2))) {
    read.retries = read.retries * 10 + static_cast<uint32_t>(c - '0');
  }
  return read;
}

}  // namespace

// A saga is started for a step that may run, under that step's key, and once.
void Oracle::CheckStarter(const SagaModel& started) {
  const std::optional<StarterKey> key = ReadStarterKey(started.key());
  if (!key) return;
  const auto found = models_.find(key->step.saga);
  if (!Expect(Promise::kDurableFirst, found != models_.end(), Name(started),
              " is started by a saga that is not durable")) {
    return;
  }
  const SagaModel& model = *found->second;
  if (model.definition() == nullptr || model.state() == SagaState::kAbandoned) return;
  uint16_t step = 0;
  while (step < model.steps().size() && model.definition()->steps[step].hash != key->step.step) {
    ++step;
  }
  const SagaModel::Place* place =
      model.StartsSaga(step) ? model.PlaceOf(step, key->step.index) : nullptr;
  if (!Expect(Promise::kIdentity, place != nullptr && place->retries == key->retries, Name(started),
              " is started under the key of no step of ", Name(model))) {
    return;
  }
  const auto early = model.MaySendAction(step, key->step.index, moment_);
  Expect(early ? early->promise : Promise::kDurableFirst, !early, Name(model), ": ",
         early ? early->what : "");
  for (const auto& [id, other] : models_) {
    const bool same = id != started.id() && other->key() == started.key() &&
                      other->definition_name() == started.definition_name();
    Expect(Promise::kIdentity, !same, Name(model), " starts a saga twice: ", Name(started));
  }
}

const SagaModel* Oracle::StartedBy(const SagaModel& model, uint16_t step, uint32_t index) const {
  const internal::StepNode& node = model.definition()->steps[step];
  for (const auto& [id, other] : models_) {
    const std::optional<StarterKey> key = ReadStarterKey(other->key());
    const bool own = key && key->step.saga == model.id() && key->step.step == node.hash &&
                     key->step.index == index &&
                     key->retries == model.PlaceOf(step, index)->retries;
    if (own && other->definition_name() == node.saga->definition) return other.get();
  }
  return nullptr;
}

// What a step says of the saga that it has started is how that has ended.
void Oracle::CheckSagaStep(const SagaModel& model, const Event& event) {
  const bool says = event.kind == EventKind::kVerdict || event.kind == EventKind::kGaveUp;
  const bool put_off =
      event.kind == EventKind::kVerdict && event.verdict == VerdictKind::kRetryLater;
  if (!says || put_off || !model.StartsSaga(event.step)) return;
  if (model.PlaceOf(event.step, event.index) == nullptr) return;
  const SagaModel* started = StartedBy(model, event.step, event.index);
  if (event.kind == EventKind::kVerdict) {
    const bool done = started != nullptr && started->state() == SagaState::kCompleted;
    Expect(Promise::kDurableFirst, done, Name(model), ": step ", event.step,
           " is Done, and the saga that it started is not Completed");
    if (!done || started->definition() == nullptr) return;
    Expect(Promise::kEnd, started->Result().value_or("") == event.output, Name(model), ": step ",
           event.step, " gives another result than the saga that it started");
    return;
  }
  const bool failed =
      started != nullptr && started->ended() && started->state() != SagaState::kCompleted;
  // Beyond its retention nobody can tell any more.
  const std::optional<absl::Time> ready = model.steps()[event.step].ready_since;
  const bool forgotten = ready && *ready + absl::Hours(24 * 29) <= event.time;
  Expect(Promise::kEnd, failed || forgotten, Name(model), ": step ", event.step,
         " gives up, and the saga that it started has not failed");
}

}  // namespace skald::inline v1
