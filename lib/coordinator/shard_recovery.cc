// Taking over, at open, what recovery has read, and going on with it while the loop runs.
//
//   noted at open -> its turn comes, or somebody asks for its hash -> folded -> advanced
//
// The sagas of one hash are folded together, before anything else happens to that hash: whoever
// looks at one that is in memory finds all of them there.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core.h"
#include "recovery.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

// So many are folded in one round of the loop, between others' messages.
constexpr size_t kResumesPerRound = 256;

}  // namespace

uint64_t Shard::AdoptBlock(uint64_t sequence, size_t bytes) {
  // Every shard keeps every old block, and counts its share of it.
  const size_t share = bytes / core_.shards.size();
  blocks_.push_back({.sequence = sequence, .bytes = share, .durable = true});
  block_bytes_ += share;
  needed_.store(blocks_.front().sequence, std::memory_order_seq_cst);
  return first_block_ + blocks_.size() - 1;
}

void Shard::AdoptUnfolded(Unfolded sagas) {
  unfolded_ = std::move(sagas);
  uint64_t lowest = ~uint64_t{0};
  size_t live = 0;
  unfolded_.ForEach([&](const Unfolded::Saga& saga) {
    ++blocks_[saga.home - first_block_].live;
    if (saga.is_finished) return;
    ++live;
    live_bytes_ += saga.bytes;
    lowest = std::min(lowest, static_cast<uint64_t>(saga.id.incarnation));
  });
  live_.Hold(lowest);
  machines_.reserve(live);
  in_memory_.Add(live);
  stats_.resumed.Add(live);
  core_.in_flight.fetch_add(live, std::memory_order_relaxed);
  EndRecovery();
}

// Makes a saga of what was found, and goes on with it.
void Shard::Adopt(Unfolded::Found found) {
  auto owned = std::make_unique<Machine>();
  Machine& machine = *owned;
  machine.id = found.id;
  machine.journal = std::move(found.journal);
  machine.home = found.home;
  machine.floor_slot = LiveFloor::kOld;
  // Its row may be there, and so may another key's in the same row.
  machine.row_existed = true;
  FoldJournal(core_, machine);
  const bool finished = machine.halted.empty() && IsTerminal(machine.view.state);
  if (finished || IsLeftover(machine)) {
    SKALD_DCHECK(found.is_finished, "saga {}", ToString(found.id));
    if (!finished) return ReleaseHome(machine.home);
    TellStarter(machine);
    return KeepFinished(machine);
  }
  if (!found.is_finished) {
    in_memory_.Subtract(1);  // it was counted before it was there
  } else {
    // It says so, and what it says cannot be read.
    stats_.resumed.Add(1);
    core_.in_flight.fetch_add(1, std::memory_order_relaxed);
    live_bytes_ += machine.journal.size();
  }
  live_.AddOld(static_cast<uint64_t>(machine.id.incarnation));
  Insert(owned.release());
  if (machine.registered != nullptr) {
    machine.frame.Reset(machine.registered->layout);
    NoteLost(machine);
  }
  Advance(machine);
  if (MaySeal()) Seal();
}

// What could have been sent by a process that is gone may have been.
void Shard::NoteLost(Machine& machine) {
  if (machine.registered == nullptr) return;
  const DefinitionData& data = machine.registered->data();
  if (machine.view.state == SagaState::kCompensating) {
    NextList nexts = Plan(machine.view, data, machine.attempts, absl::InfiniteFuture());
    for (const Next& next : nexts) AttemptsFor(machine, next).lost = true;
  }
  if (machine.view.state != SagaState::kRunning) return;
  if (SKALD_SABOTAGED(kForgetsLostAttempts)) return;
  ForEachDispatchable(machine.view, data, [&](uint16_t step, uint32_t index) {
    // A pure function is called again, and waiting for something has no effect.
    if (data.steps[step].kind != StepKind::kCall || index == Event::kWhole) return;
    Attempts& attempts =
        AttemptsFor(machine, {.step = step, .index = index, .direction = Direction::kAction});
    attempts.lost = attempts.unclean = true;
  });
}

absl::Status Shard::ResumeNext(size_t most) {
  for (; most > 0 && !unfolded_.empty(); --most) {
    SKALD_ASSIGN_OR_RETURN(Unfolded::Found found, unfolded_.Next(core_.committer->store()));
    Adopt(std::move(found));
  }
  EndRecovery();
  return absl::OkStatus();
}

// RETURNS: whether there was anything to do.
bool Shard::ResumeSome() {
  if (unfolded_.empty() || resume_not_before_ > now_) return false;
  const absl::Status resumed = ResumeNext(kResumesPerRound);
  if (resumed.ok()) return true;
  core_.Notify(Severity::kWarning, "sagas-not-resumed", "store", resumed.ToString());
  resume_not_before_ = now_ + kReadAgain;
  return false;
}

absl::Status Shard::RecallAll(uint64_t hash) {
  absl::StatusOr<std::vector<Unfolded::Found>> all =
      unfolded_.TakeHash(hash, core_.committer->store());
  if (!all.ok()) return Annotate(all.status(), "reading the journal again");
  for (Unfolded::Found& found : *all) Adopt(std::move(found));
  EndRecovery();
  return absl::OkStatus();
}

absl::Status Shard::RecallEverything() {
  return Annotate(ResumeNext(SIZE_MAX), "reading the journal again");
}

// Frees what is only needed while there is something to fold: sagas come and go for months after
// an open.
void Shard::EndRecovery() {
  if (!unfolded_.empty()) return;
  unfolded_ = Unfolded();
  live_.LetGo();
}

}  // namespace skald::inline v1::internal
