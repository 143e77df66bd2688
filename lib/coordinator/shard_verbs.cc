// What operators and handles ask of a shard's sagas.

#include <fmt/core.h>

#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/bytes.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kOperatorBytesMax = 4096;

std::string_view Side(const Event& event) {
  return event.direction == Direction::kAction ? "action" : "compensation";
}

std::string DescribePutOff(const Event& event) {
  ByteReader in(event.output);
  const absl::Time next = absl::FromUnixMicros(static_cast<int64_t>(in.Little<uint64_t>()));
  return fmt::format("{} put off until {} after {} attempts: {}", Side(event),
                     absl::FormatTime(next, absl::UTCTimeZone()), in.VarintUpTo(UINT32_MAX),
                     event.reason);
}

std::string Describe(const Event& event) {
  switch (event.kind) {
    case EventKind::kStart:
      return fmt::format("{} v{}, input of {} bytes", event.definition, event.version,
                         event.input.size());
    case EventKind::kVerdict:
      if (event.verdict == VerdictKind::kRetryLater) return DescribePutOff(event);
      return fmt::format("{} {}{}{}", Side(event), ToString(event.verdict),
                         event.clean ? ", clean" : "",
                         event.reason.empty() ? "" : fmt::format(": {}", event.reason));
    case EventKind::kOperatorVerb:
      return fmt::format("{} by {}: {}", ToString(event.verb), event.actor, event.reason);
    case EventKind::kSignal:
      return fmt::format("payload of {} bytes, deduplication key '{}'",
                         event.output.empty() ? 0 : event.output.size() - 1, event.actor);
    case EventKind::kCancelAsked:
      return fmt::format("by {}: {}", event.actor, event.reason);
    default:
      return std::string(event.reason);
  }
}

}  // namespace

std::string Shard::WaitingFor(const Machine& machine) const {
  if (!machine.halted.empty()) return machine.halted.get();
  for (const Attempts& attempts : machine.attempts) {
    if (machine.registered->data().steps[attempts.step].saga && attempts.running) {
      return WaitingAt(machine, attempts.step, attempts.index);
    }
    if (attempts.timed_out) return "an attempt that is beyond its deadline";
    if (attempts.running) return fmt::format("attempt {}", attempts.count);
    return fmt::format("attempt {} at {}", attempts.count + 1,
                       absl::FormatTime(attempts.next, absl::UTCTimeZone()));
  }
  if (machine.registered == nullptr || machine.view.state != SagaState::kRunning) return {};
  std::string text;
  ForEachDispatchable(machine.view, machine.registered->data(), [&](uint16_t step, uint32_t index) {
    if (text.empty()) text = WaitingAt(machine, step, index);
  });
  return text;
}

// What ends the wait of a step that only waits.
std::string Shard::WaitingAt(const Machine& machine, uint16_t step, uint32_t index) const {
  const StepNode& node = machine.registered->data().steps[step];
  const StepView& view = machine.view.steps[step];
  const std::string until = absl::FormatTime(view.since, absl::UTCTimeZone());
  switch (node.kind) {
    case StepKind::kSleep:
      return view.armed ? "time, until " + until : "";
    case StepKind::kAwait:
      return fmt::format("signal '{}'{}", node.name,
                         view.since == MicroTime::InfiniteFuture() ? "" : ", until " + until);
    case StepKind::kSaga:
      if (index == Event::kWhole) return {};
      return fmt::format("saga '{}' under key '{}'", node.saga->definition,
                         StartedKey(machine, step, index));
    default: {
      const PlaceView& place = PlaceAt(machine.view, step, index);
      if (place.tried == 0) return {};
      return fmt::format("attempt {} at {}", place.tried + 1,
                         absl::FormatTime(place.not_before, absl::UTCTimeZone()));
    }
  }
}

// What a signal that came after the end is told.
absl::Status AnswerOfFinished(std::string_view row, SagaId id, const SignalRequest& signal,
                              absl::Time now) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<FinishedRecord> record, FindFinished(row, id, now));
  if (!record)
    return absl::NotFoundError(fmt::format("saga {}: never started, or expired", ToString(id)));
  if (TookSignal(*record, SignalMark(signal.name, signal.key))) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("signal '{}' to saga {}: it is {}, and did not take it", signal.name,
                  ToString(id), ToString(record->state)));
}

uint16_t Shard::StepNamed(const Machine& machine, std::string_view name) {
  const auto& steps = machine.registered->data().steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].name == name) return static_cast<uint16_t>(i);
  }
  return Event::kNoStep;
}

SagaInfo Shard::InfoOf(const Machine& machine) const {
  const SagaView& view = machine.view;
  SagaInfo info;
  info.id = machine.id;
  info.definition = std::string(machine.definition_name());
  info.version = view.version;
  info.key = std::string(machine.key());
  info.state = machine.halted.empty() ? view.state : SagaState::kStuck;
  info.reason =
      machine.halted.empty() ? std::string(view.reason.In(machine.journal)) : machine.halted.get();
  uint16_t step = view.reason_step;
  if (!machine.attempts.empty()) step = machine.attempts.front().step;
  if (!IsTerminal(view.state)) info.step = StepName(machine, step);
  info.waiting_for = WaitingFor(machine);
  info.started = view.started(machine.journal);
  info.updated = view.updated;
  info.sequence = view.sequence;
  return info;
}

void Shard::Show(SagaId id, absl::AnyInvocable<void(absl::StatusOr<SagaDetails>) &&> done) {
  const absl::StatusOr<Machine*> live = FindLive(id);
  if (!live.ok()) return std::move(done)(live.status());
  Machine* machine = *live;
  if (machine == nullptr) {
    const std::optional<std::string> row = FinishedRow(id.hash);
    absl::StatusOr<std::optional<FinishedRecord>> record = std::optional<FinishedRecord>();
    if (row) record = FindFinished(*row, id, now_);
    if (!record.ok() || !record->has_value()) {
      return std::move(done)(absl::NotFoundError("not in memory"));
    }
    return std::move(done)(SagaDetails{ToInfo(**record), {}});
  }
  SagaDetails details;
  details.info = InfoOf(*machine);
  std::string_view rest = machine->journal;
  while (!rest.empty()) {
    const absl::StatusOr<Event> event = ReadEvent(rest);
    if (!event.ok()) break;
    details.timeline.push_back(
        {event->time, event->kind, StepName(*machine, event->step), Describe(*event)});
  }
  if (machine->undurable == 0) return std::move(done)(std::move(details));
  OwedOf(*machine).on_durable.push_back(
      [done = std::move(done), details = std::move(details)](const absl::Status& status) mutable {
        if (!status.ok()) return std::move(done)(status);
        std::move(done)(std::move(details));
      });
}

absl::StatusOr<std::vector<SagaInfo>> Shard::List(const SagaFilter& filter) {
  SKALD_RETURN_IF_ERROR(RecallEverything());
  std::vector<SagaInfo> out;
  for (const auto& [hash, first] : machines_) {
    for (const Machine* machine = first; machine != nullptr; machine = machine->next_same_hash) {
      const SagaState state = machine->halted.empty() ? machine->view.state : SagaState::kStuck;
      if (filter.state && *filter.state != state) continue;
      if (!filter.definition.empty() && filter.definition != machine->definition_name()) continue;
      if (machine->owed != nullptr && machine->owed->on_started)
        continue;  // its start is not durable yet
      out.push_back(InfoOf(*machine));
    }
  }
  ListAsleep(filter, out);
  if (!filter.finished) return out;
  for (const FinishedSet* set : {&current_, &flushing_, &flushed_}) {
    for (const FinishedSet::Entry& entry : set->entries()) {
      std::string_view bytes = set->bytes(entry);
      const absl::StatusOr<FinishedRecord> record = ReadFinished(bytes);
      if (!record.ok() || record->expires <= now_) continue;
      if (filter.state && *filter.state != record->state) continue;
      if (!filter.definition.empty() && filter.definition != record->definition) continue;
      out.push_back(ToInfo(*record));
    }
  }
  return out;
}

void Shard::Find(uint64_t hash, std::string_view definition, std::string_view key,
                 StartedCallback done) {
  const absl::StatusOr<Machine*> live = FindLive(hash, definition, key);
  if (!live.ok()) return std::move(done)(live.status());
  if (Machine* machine = *live) {
    if (!machine->watch) MakeWatch(*machine);
    Started found{machine->watch, true};
    if (machine->undurable == 0) return std::move(done)(std::move(found));
    OwedOf(*machine).on_durable.push_back(
        [done = std::move(done), found = std::move(found)](const absl::Status& status) mutable {
          if (!status.ok()) return std::move(done)(status);
          std::move(done)(std::move(found));
        });
    return;
  }
  const std::optional<std::string> row = FinishedRow(hash);
  absl::StatusOr<std::optional<FinishedRecord>> record = std::optional<FinishedRecord>();
  if (row) record = FindFinished(*row, definition, key, now_);
  if (!record.ok() || !record->has_value()) {
    return std::move(done)(absl::NotFoundError("not in memory"));
  }
  auto watch = std::make_shared<Watch>(std::string((*record)->key));
  watch->SetId((*record)->id);
  watch->Settle(ToSettled(**record));
  std::move(done)(Started{std::move(watch), true});
}

absl::Status Shard::CheckVerb(const Machine* machine, SagaId id, const Operator& by) const {
  if (machine == nullptr || IsTerminal(machine->view.state)) {
    const bool finished = machine != nullptr || current_.Contains(id.hash) ||
                          flushing_.Contains(id.hash) || flushed_.Contains(id.hash);
    if (!finished) return absl::NotFoundError("not in memory");
    return absl::FailedPreconditionError(
        fmt::format("saga {} has finished; what is finished does not change", ToString(id)));
  }
  if (core_.failed.load(std::memory_order_relaxed)) return core_.Health();
  if (by.actor.empty()) {
    return absl::InvalidArgumentError(
        "an operator's verb names its actor; Operator::actor is empty");
  }
  if (by.actor.size() + by.reason.size() > kOperatorBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("an operator's actor and reason together have {} bytes, the bound is {}",
                    by.actor.size() + by.reason.size(), kOperatorBytesMax));
  }
  if (by.seen_sequence != 0 && by.seen_sequence != machine->view.sequence) {
    return absl::AbortedError(
        fmt::format("saga {} is at journal sequence {}, not {}: look at it again", ToString(id),
                    machine->view.sequence, by.seen_sequence));
  }
  return absl::OkStatus();
}

void Shard::AfterVerb(Machine& machine, AnswerCallback done) {
  const bool settled = machine.undurable == 0;
  WhenDurable(machine, std::move(done));
  if (settled) Advance(machine);
}

void Shard::Cancel(SagaId id, const Operator& by, AnswerCallback done) {
  const absl::StatusOr<Machine*> live = FindLive(id);
  if (!live.ok()) return std::move(done)(live.status());
  Machine* machine = *live;
  absl::Status allowed = CheckVerb(machine, id, by);
  if (allowed.ok() && machine->registered == nullptr) {
    allowed = absl::FailedPreconditionError(machine->halted.get());
  }
  if (!allowed.ok()) return std::move(done)(allowed);
  if (!machine->view.cancel_asked &&
      ReactionOf(machine->view.state, EventKind::kCancelAsked) == Reaction::kAccept) {
    Event event;
    event.kind = EventKind::kCancelAsked;
    event.time = now_;
    event.actor = by.actor;
    event.reason = by.reason;
    Append(*machine, event);
  }
  AfterVerb(*machine, std::move(done));
}

// What a signal may be told before the saga is asked: null when nothing stands against it.
absl::Status Shard::CheckSignal(const Machine& machine, uint16_t step,
                                const SignalRequest& signal) const {
  const auto& steps = machine.registered->data().steps;
  const std::string what = fmt::format("signal '{}' to saga {}", signal.name, ToString(machine.id));
  if (step == Event::kNoStep || steps[step].kind != StepKind::kAwait) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no step of '{}' awaits it", what, machine.definition_name()));
  }
  const ValueOps& payload = steps[step].payload;
  if (payload.schema_name != signal.schema_name ||
      payload.schema_version != signal.schema_version) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: it carries '{}' version {}, and '{}' version {} is awaited", what, signal.schema_name,
        signal.schema_version, payload.schema_name, payload.schema_version));
  }
  return Annotate(MayTakeSignal(machine.view, machine.registered->data(), step), what);
}

void Shard::Signal(SagaId id, const SignalRequest& signal, AnswerCallback done) {
  const absl::StatusOr<Machine*> live = FindLive(id);
  if (!live.ok()) return std::move(done)(live.status());
  Machine* machine = *live;
  if (machine == nullptr) {
    const std::optional<std::string> row = FinishedRow(id.hash);
    if (!row) return std::move(done)(absl::NotFoundError("not in memory"));
    return std::move(done)(AnswerOfFinished(*row, id, signal, now_));
  }
  if (core_.failed.load(std::memory_order_relaxed)) return std::move(done)(core_.Health());
  if (!machine->halted.empty()) {
    return std::move(done)(absl::UnavailableError(
        fmt::format("signal '{}' to saga {}: {}; ask again later, same deduplication key",
                    signal.name, ToString(id), machine->halted.get())));
  }
  const uint16_t step = StepNamed(*machine, signal.name);
  for (const SignalView& taken : machine->view.signals()) {
    const bool same = taken.step == step && taken.key.In(machine->journal) == signal.key;
    if (same && !SKALD_SABOTAGED(kCountsSignalsTwice))
      return WhenDurable(*machine, std::move(done));
  }
  if (absl::Status allowed = CheckSignal(*machine, step, signal); !allowed.ok()) {
    // A sender that is told "never" acts on it: what that rests on must be durable.
    if (SKALD_SABOTAGED(kRefusesTooEarly)) return std::move(done)(allowed);
    return WhenDurable(*machine, [done = std::move(done), allowed = std::move(allowed)](
                                     const absl::Status& durable) mutable {
      std::move(done)(durable.ok() ? allowed : durable);
    });
  }
  Event event;
  event.kind = EventKind::kSignal;
  event.time = now_;
  event.step = step;
  event.actor = signal.key;
  event.reason = signal.name;
  event.has_output = true;
  event.output = signal.output;
  Append(*machine, event);
  WhenDurable(*machine, std::move(done));
}

void Shard::Wake(Machine& machine) {
  for (Attempts& attempts : machine.attempts) {
    attempts.next = now_;
    attempts.count = 0;
    if (!attempts.timed_out || !attempts.running) continue;
    // Not waited for any longer; should it still answer, it answers as a late one.
    attempts.running = attempts.timed_out = false;
    attempts.token = 0;
    ++attempts.zombies;
  }
  machine.halted.clear();
  machine.announced_stuck = false;
  if (machine.watch) machine.watch->Unsettle();
}

void Shard::DoVerb(SagaId id, const VerbRequest& request, AnswerCallback done) {
  const auto& [verb, step, index, output, by] = request;
  const absl::StatusOr<Machine*> live = FindLive(id);
  if (!live.ok()) return std::move(done)(live.status());
  Machine* machine = *live;
  absl::Status allowed = CheckVerb(machine, id, by);
  if (!allowed.ok()) return std::move(done)(allowed);
  Event event;
  event.kind = EventKind::kOperatorVerb;
  event.time = now_;
  event.verb = verb;
  event.actor = by.actor;
  event.reason = by.reason;
  if (output && output->size() > core_.options.payload_bytes_max) {
    return std::move(done)(absl::InvalidArgumentError(
        fmt::format("the supplied output has {} bytes, the bound is {} (payload_bytes_max)",
                    output->size(), core_.options.payload_bytes_max)));
  }
  if (output) {
    event.has_output = true;
    event.output = *output;
  }
  if (verb == Verb::kAbandon && !machine->AtRest()) {
    return std::move(done)(absl::FailedPreconditionError(
        fmt::format("saga {} is {}: only a stuck one can be abandoned; Cancel it", ToString(id),
                    ToString(machine->view.state))));
  }
  if (machine->registered == nullptr) {
    // What does not decode cannot be told of, either.
    if (verb != Verb::kAbandon || machine->undecodable) {
      return std::move(done)(absl::FailedPreconditionError(machine->halted.get()));
    }
    AppendWithoutDefinition(*machine, event);
    return AfterVerb(*machine, std::move(done));
  }
  if (!step.empty()) {
    event.step = StepNamed(*machine, step);
    event.index = index;
    if (event.step == Event::kNoStep) {
      return std::move(done)(absl::InvalidArgumentError(
          fmt::format("'{}' has no step '{}'", machine->definition_name(), step)));
    }
  }
  if (!TryAppend(*machine, event, &allowed)) return std::move(done)(allowed);
  Wake(*machine);
  AfterVerb(*machine, std::move(done));
}

}  // namespace skald::inline v1::internal
