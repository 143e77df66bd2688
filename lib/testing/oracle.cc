#include "skald/testing/oracle.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "oracle_expect.h"
#include "saga_model.h"
#include "skald/base/bytes.h"
#include "skald/base/hash.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

using internal::Name;
using internal::SagaModel;

namespace {

// The first violation says what went wrong; the rest mostly follow from it.
constexpr size_t kViolationsMax = 16;

std::optional<SagaModel::Broken> Against(const SagaModel& model, const SentAttempt& attempt) {
  if (attempt.key.direction == Direction::kCompensation) {
    return model.MaySendCompensation(attempt.step, attempt.key.index, attempt.dispatched);
  }
  return model.MaySendAction(attempt.step, attempt.key.index, attempt.dispatched);
}

}  // namespace

std::string_view ToString(Promise promise) {
  switch (promise) {
    case Promise::kAcknowledged:
      return "acknowledged";
    case Promise::kEnd:
      return "end";
    case Promise::kEffect:
      return "effect";
    case Promise::kOneOwner:
      return "one owner";
    case Promise::kTime:
      return "time";
    case Promise::kLiveness:
      return "liveness";
    case Promise::kIsolation:
      return "isolation";
    case Promise::kBounds:
      return "bounds";
    case Promise::kDurableFirst:
      return "durable first";
    case Promise::kDirection:
      return "direction";
    case Promise::kIdentity:
      return "identity";
  }
  return "?";
}

Oracle::Oracle() = default;
Oracle::~Oracle() = default;

void Oracle::Register(const Definition& definition) {
  if (FindDefinition(definition.name(), definition.version()) == nullptr) {
    definitions_.push_back(definition);
  }
}

const internal::DefinitionData* Oracle::FindDefinition(std::string_view name,
                                                       uint32_t version) const {
  for (const Definition& definition : definitions_) {
    if (definition.name() == name && definition.version() == version) return &definition.data();
  }
  return nullptr;
}

void Oracle::Check(Promise promise, bool holds, std::string_view what) {
  ++checks_[static_cast<size_t>(promise)];
  if (holds || violations_.size() >= kViolationsMax) return;
  violations_.push_back({promise, std::string(what)});
}

// ---- what is durable ----------------------------------------------------------------------------

void Oracle::OnDurable(const Batch& batch) {
  ++moment_;
  for (const Unit& unit : batch.units) {
    unit.ForEach([this](const Unit::Op& op) {
      if (op.kind != Unit::OpKind::kPut || op.space != Space::kLog) return;
      const absl::StatusOr<Block> block = ReadBlock(op.value);
      if (!Expect(Promise::kAcknowledged, block.ok(),
                  "a journal block does not read: ", ToStd(block.status().message()))) {
        return;
      }
      OnBlock(*block);
    });
  }
}

void Oracle::OnBlock(const Block& block) {
  Expect(Promise::kTime, block.header.time >= time_,
         "a block is older than one before it: ", absl::FormatTime(block.header.time), " < ",
         absl::FormatTime(time_));
  time_ = std::max(time_, block.header.time);
  for (const BlockEntry& entry : block.entries) OnEntry(block, entry);
}

void Oracle::OnEntry(const Block& block, const BlockEntry& entry) {
  std::unique_ptr<SagaModel>& model = models_[entry.saga];
  if (model == nullptr) model = std::make_unique<SagaModel>(entry.saga);
  std::string_view events = entry.events;
  if (entry.carried) {
    // Its whole journal so far, again.
    const bool same = events.substr(0, model->bytes().size()) == model->bytes();
    if (!Expect(Promise::kAcknowledged, same, Name(*model), " is carried forward and changed")) {
      return;
    }
    events.remove_prefix(model->bytes().size());
  }
  Apply(*model, block.header.epoch, events);
}

void Oracle::Apply(SagaModel& model, uint64_t epoch, std::string_view events) {
  model.bytes().append(events);
  while (!events.empty()) {
    const absl::StatusOr<Event> event = ReadEvent(events);
    if (!Expect(Promise::kAcknowledged, event.ok(), Name(model), ": an event does not read"))
      return;
    const internal::DefinitionData* definition =
        event->kind == EventKind::kStart ? FindDefinition(event->definition, event->version)
                                         : model.definition();
    CheckSagaStep(model, *event);
    const auto broken = model.Apply(*event, definition, epoch, moment_);
    if (!Expect(broken ? broken->promise : Promise::kEnd, !broken, Name(model), ": ",
                broken ? broken->what : "")) {
      return;
    }
    if (event->kind == EventKind::kStart) CheckStarter(model);
  }
}

// The journals of sagas asleep, which stand in rows of their own (docs/formats/journal.md).
void Oracle::ReadAsleep(Store& store, absl::btree_map<SagaId, std::string>& found) {
  absl::StatusOr<std::unique_ptr<Cursor>> cursor = store.Scan(Space::kRows, {"~a/", "~a0"});
  if (!Expect(Promise::kAcknowledged, cursor.ok(), "the rows of sagas asleep cannot be scanned")) {
    return;
  }
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    ByteReader key((*cursor)->key());
    key.Raw(3);
    SagaId id;
    id.hash = key.Big<uint64_t>();
    id.incarnation = Incarnation{key.Big<uint64_t>()};
    // A format, when it is due, and from the second format on the epoch and the block.
    const std::string_view row = (*cursor)->value();
    found[id] = row.substr(row.front() == 1 ? 9 : 25);
  }
}

void Oracle::ReadStore(Store& store) {
  ++moment_;
  absl::StatusOr<std::unique_ptr<Cursor>> cursor = store.Scan(Space::kLog, {});
  if (!Expect(Promise::kAcknowledged, cursor.ok(),
              "the journal cannot be scanned: ", ToStd(cursor.status().message()))) {
    return;
  }
  absl::btree_map<SagaId, std::string> found;
  absl::btree_map<SagaId, uint64_t> epochs;
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    const absl::StatusOr<Block> block = ReadBlock((*cursor)->value());
    if (!Expect(Promise::kAcknowledged, block.ok(), "a journal block does not read")) return;
    for (const BlockEntry& entry : block->entries) {
      if (entry.asleep) continue;
      std::string& bytes = found[entry.saga];
      if (entry.carried) bytes.clear();
      bytes.append(entry.events);
      epochs[entry.saga] = block->header.epoch;
    }
  }
  ReadAsleep(store, found);
  for (const auto& [id, bytes] : found) {
    std::unique_ptr<SagaModel>& model = models_[id];
    if (model == nullptr) model = std::make_unique<SagaModel>(id);
    // Of a saga that has ended the first blocks may be gone.
    const bool ended = model->ended();
    if (model->started()) {
      const std::string_view known = model->bytes();
      const bool same =
          known == bytes ||
          (ended && known.substr(known.size() - std::min(known.size(), bytes.size())) == bytes);
      Expect(Promise::kAcknowledged, same, Name(*model),
             " is not in the journal as it was: ", bytes.size(), " bytes of ", known.size());
      continue;
    }
    std::string_view first = bytes;
    const absl::StatusOr<Event> event = ReadEvent(first);
    if (event.ok() && event->kind == EventKind::kStart) Apply(*model, epochs[id], bytes);
  }
  for (const auto& [id, model] : models_) {
    if (!model->started() || model->ended()) continue;
    Expect(Promise::kAcknowledged, found.contains(id), Name(*model),
           " was durable and is not in the journal any more");
  }
}

void Oracle::OnEnded(const Ended& ended) {
  std::unique_ptr<SagaModel>& model = models_[ended.id];
  if (model == nullptr) model = std::make_unique<SagaModel>(ended.id);
  if (!model->started()) {
    model->Adopt(ended, FindDefinition(ended.definition, ended.version));
    return;
  }
  Expect(Promise::kEnd, model->state() == ended.state, Name(*model), " is ", ToString(ended.state),
         ", and its journal says ", ToString(model->state()));
}

// ---- what an owner does -------------------------------------------------------------------------

void Oracle::OnSent(const SentAttempt& attempt) {
  const auto found = models_.find(attempt.key.saga);
  if (!attempt.owner_is_stale &&
      !Expect(Promise::kDurableFirst, found != models_.end() && found->second->started(), "saga ",
              ToString(attempt.key.saga), ": step ", attempt.step,
              " is sent before the start is durable")) {
    return;
  }
  if (found == models_.end()) return;
  SagaModel& model = *found->second;
  if (!attempt.owner_is_stale) {
    const auto broken = Against(model, attempt);
    Expect(broken ? broken->promise : Promise::kDurableFirst, !broken, Name(model), ": ",
           broken ? broken->what : "");
    CheckOverlap(attempt, model);
    CheckFloor(attempt);
    CheckNotBefore(attempt, model);
  }
  SagaModel::Place* place =
      model.definition() == nullptr ? nullptr : model.PlaceOf(attempt.step, attempt.key.index);
  if (attempt.key.direction == Direction::kAction && place != nullptr) ++place->sent;
  open_.push_back({attempt, false});
}

// While an attempt runs no other of its step is sent, either way, but for what a barrier guards or
// an operator has let go.
void Oracle::CheckOverlap(const SentAttempt& attempt, const SagaModel& model) {
  if (model.definition() == nullptr || attempt.step >= model.steps().size()) return;
  const bool guarded = model.definition()->steps[attempt.step].options.guarded;
  for (const Open& open : open_) {
    if (open.attempt.owner != attempt.owner || open.attempt.step != attempt.step) continue;
    if (open.attempt.key.saga != attempt.key.saga) continue;
    if (open.attempt.key.index != attempt.key.index) continue;
    Expect(Promise::kDirection, open.released || guarded, Name(model), ": step ", attempt.step,
           " is sent while an earlier attempt of it still runs");
  }
}

// What was put off for long is not sent before its time, whoever sends it.
void Oracle::CheckNotBefore(const SentAttempt& attempt, const SagaModel& model) {
  const bool known = model.definition() != nullptr;
  const SagaModel::Place* place = known ? model.PlaceOf(attempt.step, attempt.key.index) : nullptr;
  // (One that the executor had before may still come.)
  if (place == nullptr || attempt.reconcile || attempt.dispatched < place->put_off_at) return;
  if (place->put_off_at == 0) return;
  Expect(Promise::kTime, attempt.engine_now >= place->not_before, Name(model), ": step ",
         attempt.step, " is sent before the time that it was put off to");
}

void Oracle::CheckFloor(const SentAttempt& attempt) {
  uint64_t lowest = ~uint64_t{0};
  for (const auto& [id, model] : models_) {
    if (!model->started() || model->ended()) continue;
    lowest = std::min(lowest, static_cast<uint64_t>(id.incarnation));
  }
  Expect(Promise::kEffect, static_cast<uint64_t>(attempt.floor) <= lowest, "the floor ",
         static_cast<uint64_t>(attempt.floor), " is above the live incarnation ", lowest);
}

void Oracle::OnReturned(const SentAttempt& attempt, VerdictKind verdict, bool output_failed) {
  const auto same = [&](const Open& open) {
    return open.attempt.key == attempt.key && open.attempt.owner == attempt.owner &&
           open.attempt.dispatched == attempt.dispatched;
  };
  const auto at = std::find_if(open_.begin(), open_.end(), same);
  if (at != open_.end()) open_.erase(at);
  const auto found = models_.find(attempt.key.saga);
  if (found == models_.end() || attempt.key.direction != Direction::kAction) return;
  if (found->second->definition() == nullptr) return;
  SagaModel::Place* place = found->second->PlaceOf(attempt.step, attempt.key.index);
  if (place == nullptr) return;
  ++place->returned;
  place->unknown = place->unknown || output_failed || verdict == VerdictKind::kUnknown;
  place->rejected_for_key = place->rejected_for_key || verdict == VerdictKind::kRejectedForKey;
}

void Oracle::OnRelease(SagaId id) {
  for (Open& open : open_) {
    if (open.attempt.key.saga == id) open.released = true;
  }
}

void Oracle::OnOwnerGone(uint64_t owner) {
  std::erase_if(open_, [owner](const Open& open) { return open.attempt.owner == owner; });
}

// ---- the books ----------------------------------------------------------------------------------

void Oracle::CheckEffect(const Effect& effect, Moment moment) {
  const auto found = models_.find(effect.action.saga);
  const std::string name =
      found == models_.end() ? ToString(effect.action.saga) : Name(*found->second);
  Expect(Promise::kEffect, effect.applied <= 1, name, ": an effect was applied ", effect.applied,
         " times");
  Expect(Promise::kEffect, effect.undone <= effect.applied, name, ": an effect was undone ",
         effect.undone, " times and applied ", effect.applied, " times");
  if (!Expect(Promise::kDurableFirst, found != models_.end(), name,
              " has an effect and was never durable")) {
    return;
  }
  const SagaModel& model = *found->second;
  const bool backward = model.turned() || model.state() == SagaState::kAbandoned;
  Expect(Promise::kEffect, effect.undone == 0 || backward, name,
         ": an effect was undone, and it has not turned");
  if (moment != Moment::kEnd || !model.ended() || model.definition() == nullptr) return;
  const auto& steps = model.definition()->steps;
  for (uint16_t index = 0; index < steps.size(); ++index) {
    if (steps[index].hash != effect.action.step) continue;
    const auto broken = model.EffectAtEnd(index, effect);
    Expect(Promise::kEnd, !broken, name, ": ", broken ? broken->what : "");
  }
}

void Oracle::CheckEffects(std::span<const Effect> effects, Moment moment) {
  absl::flat_hash_map<EffectKey, Effect> by_key;
  for (const Effect& effect : effects) {
    CheckEffect(effect, moment);
    by_key.emplace(effect.action, effect);
  }
  if (moment != Moment::kEnd || effects.empty()) return;
  // What is Completed has every effect, also those that no book mentions.
  for (const auto& [id, model] : models_) {
    if (model->state() != SagaState::kCompleted || model->definition() == nullptr) continue;
    for (const internal::StepNode& step : model->definition()->steps) {
      const auto index = static_cast<uint16_t>(&step - model->definition()->steps.data());
      if (!model->HadEffect(index)) continue;
      EffectKey key = effects.front().action;
      const size_t items = step.fan_out ? model->steps()[index].items.size() : 1;
      for (uint32_t item = 0; item < items; ++item) {
        key = {key.store, id, step.hash, item, Direction::kAction};
        Expect(Promise::kEnd, by_key.contains(key), Name(*model), " is Completed, and step '",
               step.name, "' has no effect");
      }
    }
  }
}

void Oracle::CheckEnded() {
  for (const auto& [id, model] : models_) {
    if (!model->started()) continue;
    Expect(Promise::kLiveness, model->ended(), Name(*model), " is still ", ToString(model->state()),
           " although nothing is wrong any more");
  }
  // Whoever was told that his signal will never count has acted on that.
  for (const RefusedSignal& refused : refused_signals_) {
    const auto found = models_.find(refused.id);
    if (found == models_.end()) continue;
    Expect(Promise::kAcknowledged, !found->second->TookSignal(refused.step, refused.key),
           Name(*found->second), " took the signal '", refused.key, "', which it had refused");
  }
}

std::vector<Oracle::SagaSeen> Oracle::sagas() const {
  std::vector<SagaSeen> seen;
  for (const auto& [id, model] : models_) {
    if (!model->started()) continue;
    seen.push_back({id, model->definition_name(), model->key(), model->state(), model->updated()});
  }
  return seen;
}

std::optional<Oracle::SagaSeen> Oracle::Find(SagaId id) const {
  const auto found = models_.find(id);
  if (found == models_.end() || !found->second->started()) return std::nullopt;
  const SagaModel& model = *found->second;
  return SagaSeen{id, model.definition_name(), model.key(), model.state(), model.updated()};
}

std::string_view Oracle::InputOf(SagaId id) const {
  const auto found = models_.find(id);
  return found == models_.end() ? std::string_view() : found->second->input();
}

std::optional<Oracle::BlockedStep> Oracle::Blocked(SagaId id) const {
  const auto found = models_.find(id);
  if (found == models_.end() || found->second->ended()) return std::nullopt;
  const auto& steps = found->second->steps();
  std::optional<BlockedStep> blocked;
  const auto look = [&](uint16_t step, const SagaModel::Place& place) {
    const bool action = place.action == SagaModel::Action::kBlocked;
    if (blocked || (!action && !place.undo_blocked)) return;
    blocked = {step, action ? Direction::kAction : Direction::kCompensation};
  };
  for (uint16_t step = 0; step < steps.size(); ++step) {
    look(step, steps[step].own);
    for (const SagaModel::Place& item : steps[step].items) look(step, item);
  }
  return blocked;
}

std::vector<std::string> Oracle::Timeline(SagaId id) const {
  std::vector<std::string> lines;
  const auto found = models_.find(id);
  if (found == models_.end()) return lines;
  std::string_view rest = found->second->bytes();
  while (!rest.empty()) {
    const absl::StatusOr<Event> event = ReadEvent(rest);
    if (!event.ok()) break;
    lines.push_back(fmt::format("{} {}{} {}{}{}", ToString(event->kind),
                                event->step == Event::kNoStep ? -1 : event->step,
                                event->index == 0               ? ""
                                : event->index == Event::kWhole ? "[]"
                                                                : fmt::format("[{}]", event->index),
                                event->direction == Direction::kAction ? "" : "compensation ",
                                event->kind == EventKind::kVerdict ? ToString(event->verdict) : "",
                                event->clean ? " clean" : ""));
  }
  return lines;
}

}  // namespace skald::inline v1
