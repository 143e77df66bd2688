#include "recovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/saga/journal.h"

namespace skald::inline v1::internal {

Recovery::Recovery(Core& core) : core_(core), of_shards_(core.shard_count()) {}
Recovery::~Recovery() = default;

absl::Status Recovery::Scan() {
  absl::StatusOr<std::unique_ptr<Cursor>> cursor =
      core_.committer->store().Scan(Space::kLog, KeyRange{});
  if (!cursor.ok()) return Annotate(cursor.status(), "opening the journal");
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    SKALD_ASSIGN_OR_RETURN(const uint64_t sequence, ParseBlockKey((*cursor)->key()));
    SKALD_RETURN_IF_ERROR(Annotate(ScanBlock(sequence, (*cursor)->value()),
                                   fmt::format("journal block {}", sequence)));
  }
  SKALD_RETURN_IF_ERROR(Annotate((*cursor)->status(), "reading the journal"));
  for (Unfolded& sagas : of_shards_) sagas.EndAdding();
  return Annotate(ScanAsleep(), "reading the timers of sagas asleep");
}

absl::Status Recovery::ScanAsleep() {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor,
                         core_.committer->store().Scan(Space::kRows, WakeRange()));
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const WakeTime wake, ParseWakeKey(cursor->key()));
    asleep_.push_back(wake);
    next_incarnation_ =
        std::max(next_incarnation_, static_cast<uint64_t>(wake.saga.incarnation) + 1);
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  // No two of one hash are ever asleep together: one would have been written over.
  std::vector<uint64_t> hashes;
  hashes.reserve(asleep_.size());
  for (const WakeTime& wake : asleep_) hashes.push_back(wake.saga.hash);
  std::sort(hashes.begin(), hashes.end());
  const auto twice = std::adjacent_find(hashes.begin(), hashes.end());
  if (twice == hashes.end()) return absl::OkStatus();
  return absl::DataLossError(fmt::format("two timers for the hash {:016x}", *twice));
}

absl::Status Recovery::ScanBlock(uint64_t sequence, std::string_view bytes) {
  SKALD_RETURN_IF_ERROR(ReadBlock(bytes, &block_));
  last_time_ = std::max(last_time_, block_.header.time);
  next_incarnation_ =
      std::max(next_incarnation_, static_cast<uint64_t>(block_.header.next_incarnation));
  blocks_.push_back({sequence, bytes.size()});
  for (Unfolded& sagas : of_shards_) sagas.AddBlock(sequence, bytes.size());
  for (const BlockEntry& entry : block_.entries) {
    next_incarnation_ =
        std::max(next_incarnation_, static_cast<uint64_t>(entry.saga.incarnation) + 1);
    SKALD_RETURN_IF_ERROR(of_shards_[entry.saga.hash % of_shards_.size()].Add(entry, bytes));
  }
  return absl::OkStatus();
}

namespace {

// Most journals: all of it is there, and so is the definition that wrote it.
bool FoldSound(const Core& core, Machine& machine) {
  std::string_view rest = machine.journal;
  Event first;
  if (!ReadEvent(rest, &first).ok() || first.kind != EventKind::kStart) return false;
  const Registered* registered = core.FindDefinition(first.definition, first.version);
  if (registered == nullptr || registered->data().fingerprint != first.fingerprint) return false;
  absl::StatusOr<SagaView> view = FoldAll(&registered->data(), machine.journal);
  if (!view.ok()) return false;
  machine.registered = registered;
  machine.view = *std::move(view);
  return true;
}

}  // namespace

void FoldJournal(const Core& core, Machine& machine) {
  if (FoldSound(core, machine)) return;
  std::string_view rest = machine.journal;
  absl::Status readable;
  while (!rest.empty() && readable.ok()) {
    const absl::StatusOr<Event> event = ReadEvent(rest);
    readable = event.ok() ? Fold(machine.view, nullptr, machine.journal, *event) : event.status();
  }
  if (!readable.ok()) {
    // As far as it could be read, it says whose key it is.
    machine.undecodable = true;
    machine.halted = fmt::format("its journal does not decode: {}", ToStd(readable.message()));
    return;
  }
  const Registered* registered =
      core.FindDefinition(machine.definition_name(), machine.view.version);
  if (IsTerminal(machine.view.state) && registered == nullptr) return;
  if (registered == nullptr) {
    machine.halted =
        fmt::format("the definition '{}' v{} is not registered; register it and open again",
                    machine.definition_name(), machine.view.version);
    return;
  }
  if (registered->data().fingerprint != machine.view.fingerprint) {
    if (IsTerminal(machine.view.state)) return;
    machine.halted = fmt::format(
        "the definition '{}' v{} has another graph than the saga was started with; register the "
        "old graph under this version and the new one under the next",
        machine.definition_name(), machine.view.version);
    return;
  }
  absl::StatusOr<SagaView> full = FoldAll(&registered->data(), machine.journal);
  if (!full.ok()) {
    machine.halted = fmt::format("its journal does not fold: {}", ToStd(full.status().message()));
    return;
  }
  machine.registered = registered;
  machine.view = *std::move(full);
}

void Recovery::HandOver() {
  // After an operator has accepted a loss the epoch has leapt; incarnations leap with it, so that
  // none that was lost is given out again.
  const uint64_t adopted = (core_.fence.epoch >> 32) << 40;
  core_.next_incarnation.store(std::max(next_incarnation_, adopted + 1));
  core_.first_block = blocks_.empty() ? 1 : blocks_.back().sequence + 1;
  core_.next_block.store(core_.first_block);
  core_.last_durable_block.store(blocks_.empty() ? 0 : blocks_.back().sequence);
  for (const auto& shard : core_.shards) {
    for (const BlockSeen& block : blocks_) shard->AdoptBlock(block.sequence, block.bytes);
  }
  for (const WakeTime& wake : asleep_) core_.ShardOf(wake.saga.hash).AdoptAsleep(wake);
  for (size_t i = 0; i < of_shards_.size(); ++i) {
    core_.shards[i]->AdoptUnfolded(std::move(of_shards_[i]));
  }
}

bool IsLeftover(const Machine& machine) {
  if (machine.view.sequence > 0) return false;
  SagaState last = SagaState::kRunning;
  for (std::string_view rest = machine.journal; !rest.empty();) {
    const absl::StatusOr<Event> event = ReadEvent(rest);
    if (!event.ok() || event->kind == EventKind::kStart) return false;
    last = event->state_after;
  }
  return IsTerminal(last);
}

}  // namespace skald::inline v1::internal
