// Taking over, at open, what recovery has read.

#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/internal/sabotage.h"

namespace skald::inline v1::internal {

uint64_t Shard::AdoptBlock(uint64_t sequence, size_t bytes) {
  // Every shard keeps every old block, and counts its share of it.
  const size_t share = bytes / core_.shards.size();
  blocks_.push_back({.sequence = sequence, .bytes = share, .durable = true});
  block_bytes_ += share;
  needed_.store(blocks_.front().sequence, std::memory_order_seq_cst);
  return first_block_ + blocks_.size() - 1;
}

void Shard::Adopt(Machine* machine) {
  // Its row may be there, and so may another key's in the same row.
  machine->row_existed = true;
  ++blocks_[machine->home - first_block_].live;
  if (machine->halted.empty() && IsTerminal(machine->view.state)) {
    TellStarter(*machine);
    KeepFinished(*machine);
    delete machine;
    return;
  }
  machine->floor_slot = live_.Add(static_cast<uint64_t>(machine->id.incarnation));
  core_.in_flight.fetch_add(1, std::memory_order_relaxed);
  Insert(machine);
  live_bytes_ += machine->journal.size();
  stats_.resumed.Add(1);
  if (machine->registered == nullptr) return;
  machine->frame.Reset(machine->registered->layout);
  NoteLost(*machine);
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

void Shard::Resume() {
  // Oldest first: they have waited longest.
  for (Machine* machine : LiveByAge()) {
    Advance(*machine);
    if (MaySeal()) Seal();
  }
}

}  // namespace skald::inline v1::internal
