// What the oracle asks of what the outside is told: answers, ends, verbs and signals.
#include "oracle_expect.h"
#include "skald/base/hash.h"

namespace skald::inline v1 {

using internal::Name;
using internal::SagaModel;

void Oracle::OnStarted(const Started& started) {
  const auto found = models_.find(started.id);
  if (!Expect(Promise::kDurableFirst, found != models_.end() && found->second->started(),
              "the start of '", started.key, "' was acknowledged before it was durable")) {
    return;
  }
  const SagaModel& model = *found->second;
  const bool same = model.definition_name() == started.definition && model.key() == started.key &&
                    model.input_fingerprint() == StableHash128(started.input);
  Expect(Promise::kIdentity, same, "the start of '", started.key, "' was answered with ",
         Name(model), ", another key or another input");
  const auto [known, fresh] = acknowledged_.try_emplace({started.definition, started.key},
                                                        Acknowledged{started.id, started.input});
  if (fresh) return;
  if (known->second.id == started.id) {
    Expect(Promise::kIdentity, started.existed || started.owner_is_stale,
           "a known key counts as new");
    return;
  }
  // Another saga under the key: only when the old one has ended and is forgotten.
  const auto old = models_.find(known->second.id);
  const bool ended = old != models_.end() && old->second->ended();
  Expect(Promise::kAcknowledged, ended, "the key '", started.key, "' has a new saga ",
         ToString(started.id), " while ", ToString(known->second.id), " has not ended");
  const internal::DefinitionData* definition = ended ? old->second->definition() : nullptr;
  if (definition != nullptr) {
    Expect(Promise::kAcknowledged,
           old->second->updated() + definition->retention <= started.engine_now, "the key '",
           started.key, "' was forgotten before its retention was over");
    Expect(Promise::kIdentity, known->second.id.incarnation < started.id.incarnation,
           "a later saga of the key '", started.key, "' has no higher incarnation");
  }
  known->second = {started.id, started.input};
}

void Oracle::OnSettled(SagaId id, SagaState state, const std::optional<std::string>& result) {
  const auto found = models_.find(id);
  if (!Expect(Promise::kDurableFirst, found != models_.end() && found->second->started(), "saga ",
              ToString(id), " was told before it was durable")) {
    return;
  }
  const SagaModel& model = *found->second;
  if (!IsTerminal(state)) return;
  Expect(Promise::kDurableFirst, model.state() == state, Name(model), " was told to be ",
         ToString(state), ", and its journal says ", ToString(model.state()));
  if (state == SagaState::kCompleted && result && model.definition() != nullptr) {
    Expect(Promise::kEnd, model.Result() == result, Name(model), " gave another result");
  }
}

void Oracle::OnVerb(SagaId id, EventKind kind, Verb verb) {
  const auto found = models_.find(id);
  bool seen = found != models_.end() && found->second->Saw(kind, verb);
  // A wish that is granted already, or too late, is not written down.
  if (kind == EventKind::kCancelAsked && found != models_.end()) {
    seen = seen || found->second->turned() || found->second->ended();
  }
  Expect(Promise::kAcknowledged, seen, "saga ", ToString(id), ": ", ToString(kind),
         " was acknowledged before it was durable");
}

void Oracle::OnSignalTaken(SagaId id, uint16_t step, std::string_view key) {
  const auto found = models_.find(id);
  const bool taken =
      found != models_.end() && (found->second->adopted() || found->second->TookSignal(step, key));
  Expect(Promise::kAcknowledged, taken, "saga ", ToString(id), ": the signal '", key, "' to step ",
         step, " was acknowledged before it was durable");
}

void Oracle::OnSignalRefused(SagaId id, uint16_t step, std::string_view key) {
  refused_signals_.push_back({id, step, std::string(key)});
}

}  // namespace skald::inline v1
