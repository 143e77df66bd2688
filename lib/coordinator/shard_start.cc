// Starting a saga, or finding the one that its key has.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kSparesMax = 8192;

absl::Status OtherInput(std::string_view definition, std::string_view key, SagaId id,
                        size_t bytes_then, size_t bytes_now) {
  const std::string sizes =
      bytes_then == 0 ? fmt::format("its input is another one ({} bytes now)", bytes_now)
                      : fmt::format("its input was another one: {} bytes then, {} bytes now",
                                    bytes_then, bytes_now);
  return absl::AlreadyExistsError(fmt::format(
      "starting '{}' under key '{}': the key belongs to saga {}, and {}; use another key "
      "for another order",
      definition, key, ToString(id), sizes));
}

// Whether a row holds more than what its own key has left there and has expired. A key that comes
// back after its retention is the usual case; its row can be written over unread.
bool HoldsMore(std::string_view row, const PendingStart& start, absl::Time now) {
  while (!row.empty()) {
    const absl::StatusOr<FinishedRecord> record = ReadFinished(row);
    if (!record.ok() || record->expires > now) return true;
    if (record->definition != start.definition() || record->key != start.key) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Machine*> Shard::FindLive(uint64_t hash, std::string_view definition,
                                         std::string_view key) {
  SKALD_RETURN_IF_ERROR(Recall(hash));
  const auto found = machines_.find(hash);
  Machine* machine = found == machines_.end() ? nullptr : found->second;
  while (machine != nullptr &&
         (machine->key() != key || machine->definition_name() != definition)) {
    machine = machine->next_same_hash;
  }
  const std::optional<SagaId> asleep = sleepers_.Find(hash);
  if (machine != nullptr || !asleep) return machine;
  SKALD_ASSIGN_OR_RETURN(machine, ComeBack(*asleep));
  const bool same = machine->key() == key && machine->definition_name() == definition;
  return same ? machine : nullptr;
}

Machine* Shard::InMemory(const SagaId& id) const {
  const auto found = machines_.find(id.hash);
  Machine* machine = found == machines_.end() ? nullptr : found->second;
  while (machine != nullptr && machine->id != id) machine = machine->next_same_hash;
  return machine;
}

absl::StatusOr<Machine*> Shard::FindLive(SagaId id) {
  SKALD_RETURN_IF_ERROR(Recall(id.hash));
  Machine* const machine = InMemory(id);
  if (machine != nullptr || sleepers_.Find(id.hash) != id) return machine;
  return ComeBack(id);
}

const Machine* Shard::FindUndecodable(uint64_t hash) const {
  const auto found = machines_.find(hash);
  const Machine* machine = found == machines_.end() ? nullptr : found->second;
  while (machine != nullptr && machine->view.sequence > 0) machine = machine->next_same_hash;
  return machine;
}

std::vector<Machine*> Shard::LiveByAge() const {
  std::vector<std::pair<Incarnation, Machine*>> aged;
  aged.reserve(machines_.size());
  for (const auto& [hash, first] : machines_) {
    for (Machine* machine = first; machine != nullptr; machine = machine->next_same_hash) {
      aged.emplace_back(machine->id.incarnation, machine);
    }
  }
  std::sort(aged.begin(), aged.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Machine*> all;
  all.reserve(aged.size());
  for (const auto& [incarnation, machine] : aged) all.push_back(machine);
  return all;
}

void Shard::Insert(Machine* machine) {
  Machine*& first = machines_[machine->id.hash];
  // Keys that share a hash share a row: none may write it over.
  for (Machine* other = first; other != nullptr; other = other->next_same_hash) {
    other->row_existed = machine->row_existed = true;
  }
  machine->next_same_hash = first;
  first = machine;
  in_memory_.Add(1);
}

void Shard::Erase(Machine* machine) {
  const auto found = machines_.find(machine->id.hash);
  SKALD_CHECK(found != machines_.end(), "saga {} is not in memory", ToString(machine->id));
  Machine** link = &found->second;
  while (*link != machine) link = &(*link)->next_same_hash;
  *link = std::exchange(machine->next_same_hash, nullptr);
  if (found->second == nullptr) machines_.erase(found);
  live_bytes_ -= machine->journal.size();
  in_memory_.Subtract(1);
  core_.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

Machine* Shard::TakeMachine() {
  if (spare_machines_.empty()) return new Machine();
  Machine* machine = spare_machines_.back().release();
  spare_machines_.pop_back();
  return machine;
}

void Shard::GiveBack(Machine* machine) {
  machine->Reset();
  if (spare_machines_.size() < kSparesMax) {
    spare_machines_.emplace_back(machine);
  } else {
    delete machine;
  }
}

void Shard::HandleStart(std::unique_ptr<PendingStart> start) {
  const bool answered = AnswerFromMemory(*start) || AnswerFromRow(*start);
  if (answered) {
    core_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  } else {
    Begin(*start);
  }
  GiveBack(std::move(start));
}

bool Shard::AnswerFromMemory(PendingStart& start) {
  if (const absl::Status recalled = Recall(start.hash); !recalled.ok()) {
    std::move(start.done)(recalled);
    return true;
  }
  if (const Machine* unread = FindUndecodable(start.hash)) {
    std::move(start.done)(absl::DataLossError(fmt::format(
        "starting '{}' under key '{}': saga {} may have this key, and its journal does not decode",
        start.definition(), start.key, ToString(unread->id))));
    return true;
  }
  const absl::StatusOr<Machine*> live = FindLive(start.hash, start.definition(), start.key);
  if (!live.ok()) {
    std::move(start.done)(live.status());
    return true;
  }
  if (*live != nullptr) {
    AnswerLive(**live, start);
    return true;
  }
  std::optional<std::string> row = FinishedRow(start.hash);
  if (SKALD_SABOTAGED(kForgetsFinished)) row.reset();
  // Somebody else's record shares the row, or will: it must not be written over.
  start.row_existed = row.has_value() || machines_.contains(start.hash);
  if (!row) return false;
  absl::StatusOr<std::optional<FinishedRecord>> record =
      FindFinished(*row, start.definition(), start.key, now_);
  SKALD_CHECK(record.ok(), "a finished record in memory does not read back");
  if (!record->has_value()) return false;
  AnswerFinished(**record, start);
  return true;
}

bool Shard::AnswerFromRow(PendingStart& start) {
  if (generation() - start.row_generation >= 2) {
    // The caller read before rows that have left memory since were durable.
    absl::StatusOr<std::optional<Row>> row =
        core_.committer->store().Get(Space::kRows, FinishedKey(start.hash));
    start.row_status = row.status();
    start.row.reset();
    if (row.ok() && row->has_value()) start.row = std::move((*row)->value);
  }
  if (!start.row_status.ok()) {
    std::move(start.done)(Annotate(start.row_status, "looking for the key's finished saga"));
    return true;
  }
  if (!start.row) return false;
  absl::StatusOr<std::optional<FinishedRecord>> record =
      FindFinished(*start.row, start.definition(), start.key, now_);
  if (!record.ok()) {
    std::move(start.done)(record.status());
    return true;
  }
  if (record->has_value()) {
    AnswerFinished(**record, start);
    return true;
  }
  start.row_existed = start.row_existed || HoldsMore(*start.row, start, now_);
  return false;
}

void Shard::AnswerLive(Machine& live, PendingStart& start) {
  if (!live.watch) MakeWatch(live);
  absl::StatusOr<Started> answer = Started{live.watch, true};
  if (live.view.input_fingerprint(live.journal) != start.input_fingerprint &&
      !SKALD_SABOTAGED(kTakesOtherInput)) {
    answer = OtherInput(start.definition(), start.key, live.id, live.view.input.size,
                        start.input.size());
  }
  WhenDurable(live, [done = std::move(start.done),
                     answer = std::move(answer)](const absl::Status& status) mutable {
    if (!status.ok()) answer = status;
    std::move(done)(std::move(answer));
  });
}

// Somebody holds a handle, or waits by a callback.
bool Shard::IsWatched(const Machine& machine) {
  if (machine.watch == nullptr) return false;
  return machine.watch.use_count() > 1 || machine.watch->IsWaitedFor();
}

void Shard::MakeWatch(Machine& machine) {
  machine.watch = std::make_shared<Watch>(std::string(machine.key()));
  machine.watch->SetId(machine.id);
  if (machine.announced_stuck) machine.watch->Settle(StuckOf(machine));
}

void Shard::AnswerFinished(const FinishedRecord& record, PendingStart& start) {
  if (record.input_fingerprint != start.input_fingerprint) {
    std::move(start.done)(
        OtherInput(start.definition(), start.key, record.id, 0, start.input.size()));
    return;
  }
  auto watch = std::make_shared<Watch>(std::string(record.key));
  watch->SetId(record.id);
  watch->Settle(ToSettled(record));
  std::move(start.done)(Started{std::move(watch), true});
}

void Shard::Begin(PendingStart& start) {
  if (core_.failed.load(std::memory_order_relaxed)) {
    std::move(start.done)(core_.Health());
    core_.in_flight.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Machine& machine = *TakeMachine();
  machine.id.hash = start.hash;
  machine.registered = start.registered;
  machine.row_existed = start.row_existed;
  OwedOf(machine).on_started = std::move(start.done);
  live_.Expect(core_.next_incarnation.load());
  machine.id.incarnation = Incarnation{core_.next_incarnation.fetch_add(1)};
  machine.floor_slot = live_.Add(static_cast<uint64_t>(machine.id.incarnation));
  const DefinitionData& data = machine.registered->data();
  Event event;
  event.kind = EventKind::kStart;
  event.time = now_;
  event.definition = data.name;
  event.version = data.version;
  event.fingerprint = data.fingerprint;
  event.key = start.key;
  event.input_fingerprint = start.input_fingerprint;
  event.input = start.input;
  event.deadline = start.deadline == absl::InfiniteDuration() ? MicroTime::InfiniteFuture()
                                                              : now_ + start.deadline;
  machine.frame.Reset(machine.registered->layout);
  machine.watch = std::make_shared<Watch>(start.key);
  machine.watch->SetId(machine.id);
  machine.home = Pending().home;
  ++blocks_[machine.home - first_block_].live;
  event.result_step = data.result_step.value_or(Event::kNoStep);
  Append(machine, event);
  Insert(&machine);
  stats_.started.Add(1);
  if (SKALD_SABOTAGED(kEarlyAnswer)) AnswerDurable(machine);
}

}  // namespace skald::inline v1::internal
