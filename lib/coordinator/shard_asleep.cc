// Sagas that leave memory because they only wait, and come back for a timer, a signal or a
// question.
//
//   wait is far -> rows and mark in one batch -> durable -> out of memory
//   due, or asked for -> read by id -> in memory; its next event carries its journal into the log

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core.h"
#include "recovery.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

// A longer journal is not worth a row: it would fill the batch that carries it.
constexpr size_t kAsleepBytesMax = size_t{1} << 20;
// So many come back in one round of the loop; the others wait for the next.
constexpr size_t kWakesPerRound = 512;

}  // namespace

// Nothing of it runs or is owed, and nobody asks for it: only time, a signal or the end of another
// saga moves it.
bool Shard::MayFallAsleep(const Machine& machine, MicroTime wake) const {
  if (core_.options.asleep_after == absl::InfiniteDuration()) return false;
  if (machine.undurable > 0 || !machine.running.empty()) return false;
  // While draining nothing is sent: one that seems to wait may be one whose next step was held
  // back.
  if (core_.draining.load(std::memory_order_relaxed)) return false;
  if (wake - now_ < core_.options.asleep_after) return false;
  // Of its attempts nothing is known that its journal does not say.
  const bool known =
      std::all_of(machine.attempts.begin(), machine.attempts.end(), [&](const Attempts& attempts) {
        if (WaitsForItsEnd(machine, attempts)) return true;
        // (That an attempt is lost stands nowhere but in the age of its row, which may stay.)
        if (attempts.lost && !(machine.asleep && machine.wake == wake)) return false;
        return IsWritten(PlaceAt(machine.view, attempts.step, attempts.index), attempts);
      });
  if (!known || machine.owed != nullptr || !machine.halted.empty()) return false;
  // Keys that share a hash would share a place: with another one about, it stays.
  const auto chain = machines_.find(machine.id.hash);
  const bool alone = chain->second == &machine && machine.next_same_hash == nullptr &&
                     !sleepers_.HasHash(machine.id.hash);
  return alone && machine.journal.size() <= kAsleepBytesMax;
}

// Writes its rows, and a mark into the journal that its events so far stand there.
void Shard::FallAsleep(Machine& machine, MicroTime wake) {
  Group& group = Pending();
  group.builder.AddAsleep(machine.id);
  if (machine.asleep) {
    // What it waited for is over and did not matter: another timer takes its place.
    SKALD_CHECK(machine.wake != wake, "a timer would be taken away with its own row");
    group.deletes.push_back(WakeKey(machine.wake_time()));
  } else {
    group.left_homes.push_back(machine.home);
  }
  machine.asleep = true;
  machine.wake = wake;
  if (!SKALD_SABOTAGED(kForgetsSleepers)) {
    group.puts.emplace_back(
        AsleepKey(machine.id),
        EncodeAsleep({wake, core_.fence.epoch, blocks_[group.home - first_block_].sequence,
                      machine.journal}));
    group.put_bytes += group.puts.back().second.size();
  }
  if (!SKALD_SABOTAGED(kForgetsTimers)) group.puts.emplace_back(WakeKey(machine.wake_time()), "");
  if (machine.group == group.serial) return;
  machine.group = group.serial;
  ++machine.undurable;
  group.machines.push_back(&machine);
}

// REQUIRES: its rows are durable, and it has said nothing since.
void Shard::LeaveMemory(Machine& machine) {
  sleepers_.Add(machine.wake_time());
  if (IsWatched(machine)) {
    sleepers_.watches[machine.id] = machine.watch;
  }
  if (machine.floor_slot != LiveFloor::kOld) {
    live_.MakeOld(std::exchange(machine.floor_slot, LiveFloor::kOld));
  }
  timers_.Remove(&machine);
  Erase(&machine);
  asleep_.store(sleepers_.size(), std::memory_order_relaxed);
  GiveBack(&machine);
}

// The first event after a sleep carries the whole journal, this event with it, and takes the rows
// away.
void Shard::CarryBack(Machine& machine, Group& group) {
  group.builder.Add(machine.id, true, machine.journal);
  group.deletes.push_back(AsleepKey(machine.id));
  group.deletes.push_back(WakeKey(machine.wake_time()));
  machine.asleep = false;
  machine.home = group.home;
  ++blocks_[group.home - first_block_].live;
}

// The saga as its row tells it; one whose row is damaged comes as a saga that is stuck, so that it
// shows, and keeps no other from waking. RETURNS: that the store could not be read.
absl::StatusOr<std::unique_ptr<Machine>> Shard::ReadAsleep(const SagaId& id) const {
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row,
                         core_.committer->store().Get(Space::kRows, AsleepKey(id)));
  auto machine = std::make_unique<Machine>();
  machine->id = id;
  machine->asleep = true;
  machine->wake = MicroTime::InfiniteFuture();
  machine->floor_slot = LiveFloor::kOld;
  machine->row_existed = true;
  const absl::StatusOr<AsleepRow> read =
      row ? DecodeAsleep(row->value) : absl::DataLossError("it is gone");
  if (!read.ok()) {
    machine->undecodable = true;
    machine->halted =
        fmt::format("the row that it sleeps in cannot be read: {}", ToStd(read.status().message()));
    return machine;
  }
  if (read->epoch > core_.fence.epoch) {
    return absl::AbortedError("a newer owner of the store has written its row");
  }
  machine->journal = read->journal;
  machine->wake = read->wake;
  FoldJournal(core_, *machine);
  // What was open before this coordinator may have woken it, and sent something before it ended.
  if (read->block < core_.first_block && !SKALD_SABOTAGED(kWakesUnlost)) NoteLost(*machine);
  return machine;
}

absl::StatusOr<Machine*> Shard::ComeBack(const SagaId& id) {
  SKALD_RETURN_IF_ERROR(Recall(id.hash));
  absl::StatusOr<std::unique_ptr<Machine>> read = ReadAsleep(id);
  if (!read.ok()) {
    return Annotate(read.status(), fmt::format("reading saga {}, which is asleep", ToString(id)));
  }
  Machine* machine = read->release();
  sleepers_.Remove(id);
  asleep_.store(sleepers_.size(), std::memory_order_relaxed);
  if (const auto watch = sleepers_.watches.find(id); watch != sleepers_.watches.end()) {
    machine->watch = std::move(watch->second);
    sleepers_.watches.erase(watch);
  }
  core_.in_flight.fetch_add(1, std::memory_order_relaxed);
  Insert(machine);
  live_bytes_ += machine->journal.size();
  if (machine->registered != nullptr) machine->frame.Reset(machine->registered->layout);
  stats_.woken.Add(1);
  // Where nothing comes of it, it goes again.
  timers_.Set(machine, std::min(machine->wake, now_ + core_.options.asleep_after));
  return machine;
}

// RETURNS: whether there was anything to do.
bool Shard::WakeDue() {
  if (sleepers_.next() > now_) return false;
  const absl::Status read = sleepers_.ReadWindow(
      core_.committer->store(), now_, [this](uint64_t h) { return &core_.ShardOf(h) == this; });
  if (!read.ok()) return WakeLater(read);
  for (size_t woken = 0; woken < kWakesPerRound; ++woken) {
    const std::optional<WakeTime> due = sleepers_.TakeDue(now_);
    if (!due) break;
    // (One that came back meanwhile for something else has its timer in memory.)
    if (sleepers_.Find(due->saga.hash) != due->saga) continue;
    absl::StatusOr<Machine*> machine = ComeBack(due->saga);
    if (!machine.ok()) return WakeLater(machine.status());
    Advance(**machine);
    if (MaySeal()) Seal();
  }
  return true;
}

bool Shard::WakeLater(const absl::Status& why) {
  core_.Notify(Severity::kWarning, "sagas-not-woken", "store", why.ToString());
  wake_not_before_ = now_ + kReadAgain;
  sleepers_.Rewind(absl::UnixEpoch());
  return false;
}

absl::Time Shard::NextWake() const {
  return sleepers_.size() == 0 ? absl::InfiniteFuture()
                               : std::max(sleepers_.next(), wake_not_before_);
}

void Shard::AdoptAsleep(const WakeTime& wake) {
  sleepers_.Add(wake);
  live_.AddOld(static_cast<uint64_t>(wake.saga.incarnation));
  asleep_.store(sleepers_.size(), std::memory_order_relaxed);
}

void Shard::ListAsleep(const SagaFilter& filter, std::vector<SagaInfo>& out) const {
  size_t left = filter.limit;
  sleepers_.ForEach([&](const SagaId& id) {
    if (left == 0) return;
    absl::StatusOr<std::unique_ptr<Machine>> machine = ReadAsleep(id);
    if (!machine.ok()) return;
    SagaInfo info = InfoOf(**machine);
    if (filter.state && *filter.state != info.state) return;
    if (!filter.definition.empty() && filter.definition != info.definition) return;
    --left;
    out.push_back(std::move(info));
  });
}

}  // namespace skald::inline v1::internal
