#include "shard.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core.h"
#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

// A block is sealed at this size although another is still being committed.
constexpr size_t kBlockBytesMax = size_t{1} << 20;
// When nothing is being committed, a group of this many sagas goes out at once, so that the disk
// works while the rest is folded.
constexpr size_t kEarlyGroupSagas = 192;
constexpr size_t kSpareStartsMax = 4096;
constexpr size_t kSpareOwedMax = 4096;
constexpr int64_t kNoTimer = INT64_MAX;
constexpr absl::Duration kDeferredRetry = absl::Milliseconds(1);
// How far ahead memory is asked for, in sagas: a saga takes about as long as memory does.
constexpr size_t kFarAhead = 4;
constexpr size_t kNearAhead = 2;

}  // namespace

Shard::Shard(Core& core, uint32_t index)
    : core_(core), index_(index), now_(core.clock->Now()), next_timer_micros_(kNoTimer) {}

Shard::~Shard() {
  // Attempts that came back to a coordinator that is gone, and groups that its committer gave back.
  MutexLock lock(inbox_mutex_);
  for (Message& message : inbox_) {
    if (message.kind == Message::Kind::kAttemptDone) {
      auto* attempt = static_cast<Attempt*>(message.object);
      Machine* const machine = attempt->machine;
      machine->ComesBack(attempt);
      if (machine->running.empty() && machine->gone) delete machine;
      if (attempt->Release()) delete attempt;
    }
    if (message.kind == Message::Kind::kDurable) delete static_cast<Group*>(message.object);
    if (message.kind == Message::Kind::kStart) delete static_cast<PendingStart*>(message.object);
  }
  for (auto& [hash, first] : machines_) {
    for (Machine* machine = first; machine != nullptr;) {
      delete std::exchange(machine, machine->next_same_hash);
    }
  }
}

void Shard::Post(Message message) {
  MutexLock lock(inbox_mutex_);
  // What a handle or an operator asks of a coordinator that is gone is dropped, which tells them
  // so; attempts and groups are kept until they are freed with the shard.
  if (closed_ && message.kind == Message::Kind::kCall) return;
  if (closed_ && message.kind == Message::Kind::kStart) {
    lock.Unlock();
    return Refuse(static_cast<PendingStart*>(message.object));
  }
  inbox_.push_back(std::move(message));
  if (!sleeping_) return;
  sleeping_ = false;
  lock.Unlock();
  inbox_changed_.NotifyOne();
}

std::unique_ptr<PendingStart> Shard::TakeStart() {
  MutexLock lock(spare_mutex_);
  if (spare_starts_.empty()) return std::make_unique<PendingStart>();
  std::unique_ptr<PendingStart> start = std::move(spare_starts_.back());
  spare_starts_.pop_back();
  return start;
}

void Shard::GiveBack(std::unique_ptr<PendingStart> start) {
  start->Reset();
  MutexLock lock(spare_mutex_);
  if (spare_starts_.size() < kSpareStartsMax) spare_starts_.push_back(std::move(start));
}

absl::Time Shard::next_timer() const {
  const int64_t micros = next_timer_micros_.load(std::memory_order_relaxed);
  return micros == kNoTimer ? absl::InfiniteFuture() : absl::FromUnixMicros(micros);
}

bool Shard::RunOnce() {
  {
    MutexLock lock(inbox_mutex_);
    taken_.swap(inbox_);
  }
  now_ = core_.clock->Now();
  bool any = !taken_.empty();
  for (size_t i = 0; i < taken_.size(); ++i) {
    Message& message = taken_[i];
    if (i + kFarAhead < taken_.size()) PrefetchStart(taken_[i + kFarAhead], taken_[i + kNearAhead]);
    switch (message.kind) {
      case Message::Kind::kStart:
        HandleStart(std::unique_ptr<PendingStart>(static_cast<PendingStart*>(message.object)));
        break;
      case Message::Kind::kAttemptDone:
        HandleDone(static_cast<Attempt*>(message.object));
        break;
      case Message::Kind::kDurable:
        HandleDurable(static_cast<Group*>(message.object));
        break;
      case Message::Kind::kCall:
        std::move(message.call)(*this);
        break;
    }
    if (MaySeal()) Seal();
  }
  taken_.clear();
  // While draining nothing is tried again, so no timer has anything to say.
  const bool draining = core_.draining.load(std::memory_order_relaxed);
  if (!draining && timers_.next() <= now_) {
    any = true;
    FireTimers();
  }
  if (!draining && !aborted_ && NextWake() <= now_) any = WakeDue() || any;
  if (!draining && !aborted_ && !refused_) any = ResumeSome() || any;
  SendDeferred();
  if (aborted_ || refused_) return any;
  const bool flush = Flushing() && !draining;
  if (groups_in_flight_ == 0 && (pending_ != nullptr || flush)) {
    any = true;
    Seal();
  }
  const absl::Time next = NextDue();
  next_timer_micros_.store(next == absl::InfiniteFuture() ? kNoTimer : absl::ToUnixMicros(next),
                           std::memory_order_relaxed);
  return any;
}

// When time alone gives something to do.
absl::Time Shard::NextDue() const {
  const absl::Time resume =
      unfolded_.empty() ? absl::InfiniteFuture() : std::max<absl::Time>(resume_not_before_, now_);
  return std::min<absl::Time>({timers_.next(), NextWake(), resume});
}

void Shard::Loop() {
  for (;;) {
    if (RunOnce()) continue;
    absl::Duration wait = core_.draining.load(std::memory_order_relaxed)
                              ? absl::InfiniteDuration()
                              : NextDue() - core_.clock->Now();
    if (!deferred_.empty()) wait = std::min(wait, kDeferredRetry);
    MutexLock lock(inbox_mutex_);
    if (stopping_ && (groups_in_flight_ == 0 || core_.failed.load())) return;
    if (!inbox_.empty() || wait <= absl::ZeroDuration()) continue;
    sleeping_ = true;
    inbox_changed_.WaitFor(inbox_mutex_, wait);
    sleeping_ = false;
  }
}

void Shard::Stop() {
  MutexLock lock(inbox_mutex_);
  stopping_ = true;
  inbox_changed_.NotifyOne();
}

Group& Shard::Pending() {
  if (pending_ == nullptr) {
    if (spare_groups_.empty()) {
      pending_ = std::make_unique<Group>();
    } else {
      pending_ = std::move(spare_groups_.back());
      spare_groups_.pop_back();
    }
    pending_->serial = next_group_++;
  }
  if (!pending_->has_block) {
    pending_->has_block = true;
    if (blocks_.empty()) needed_.store(core_.next_block.load(), std::memory_order_seq_cst);
    const uint64_t sequence = core_.next_block.fetch_add(1);
    blocks_.push_back({.sequence = sequence});
    pending_->home = first_block_ + blocks_.size() - 1;
  }
  return *pending_;
}

bool Shard::MaySeal() const {
  if (pending_ == nullptr || aborted_ || refused_) return false;
  if (pending_->builder.size_bytes() + pending_->put_bytes >= kBlockBytesMax) return true;
  return groups_in_flight_ == 0 && pending_->machines.size() >= kEarlyGroupSagas;
}

void Shard::Seal() {
  if (pending_ == nullptr) {
    pending_ = spare_groups_.empty() ? std::make_unique<Group>() : std::move(spare_groups_.back());
    if (!spare_groups_.empty()) spare_groups_.pop_back();
    pending_->serial = next_group_++;
  }
  Group* group = pending_.release();
  Unit unit;
  // The block last: whatever came after it would move it once more.
  for (const auto& [key, value] : group->puts) unit.Put(Space::kRows, key, value);
  for (const std::string& key : group->deletes) unit.Delete(Space::kRows, key);
  AddFinishedRows(unit, *group);
  if (group->has_block) {
    BlockInfo& info = blocks_[group->home - first_block_];
    const BlockHeader header{.epoch = core_.fence.epoch,
                             .shard = index_,
                             .time = now_,
                             .next_incarnation = Incarnation{core_.next_incarnation.load()}};
    const std::string_view block = group->builder.Seal(header);
    info.bytes = block.size();
    block_bytes_ += block.size();
    stats_.journal_bytes.Add(block.size());
    unit.Put(Space::kLog, BlockKey(info.sequence), block);
  }
  ++groups_in_flight_;
  stats_.commits.Add(1);
  // A group outlives the call: it comes back to the inbox, also from a committer that stops, and
  // from a shared one that is still at it when this coordinator is gone.
  const absl::Status queued = core_.committer->Enqueue(
      std::move(unit),
      [core = core_.shared_from_this(), this, group](const absl::Status& status) {
        group->status = status;
        Post({.kind = Message::Kind::kDurable, .object = group, .call = {}});
      },
      /*admitted=*/true);
  if (queued.ok()) return;
  refused_ = true;
  group->status = queued;
  Post({.kind = Message::Kind::kDurable, .object = group, .call = {}});
}

void Shard::Refuse(PendingStart* start) {
  std::move(start->done)(absl::UnavailableError(
      "the coordinator is shut down; nothing was started: open again and ask with the same key"));
  delete start;
}

void Shard::WhenDurable(Machine& machine, AnswerCallback done) {
  if (machine.undurable == 0) return std::move(done)(absl::OkStatus());
  if (core_.failed.load(std::memory_order_relaxed)) return std::move(done)(core_.Health());
  OwedOf(machine).on_durable.push_back(std::move(done));
}

void Shard::RequestStops() {
  for (Machine* machine : LiveByAge()) {
    for (Attempt* attempt : machine->running) attempt->stop.request_stop();
  }
}

void Shard::AnswerDurable(Machine& machine) {
  if (machine.owed == nullptr) return;
  std::unique_ptr<Owed> owed = std::move(machine.owed);
  if (owed->on_started) {
    std::move(owed->on_started)(Started{machine.watch, false});
    // Most of those that start something and go have no use for a handle; who asks later gets one.
    if (!IsWatched(machine)) machine.watch.reset();
  }
  for (AnswerCallback& answer : owed->on_durable) std::move(answer)(absl::OkStatus());
  GiveBack(std::move(owed));
}

Owed& Shard::OwedOf(Machine& machine) {
  if (machine.owed == nullptr) {
    if (spare_owed_.empty()) {
      machine.owed = std::make_unique<Owed>();
    } else {
      machine.owed = std::move(spare_owed_.back());
      spare_owed_.pop_back();
    }
  }
  return *machine.owed;
}

void Shard::GiveBack(std::unique_ptr<Owed> owed) {
  if (spare_owed_.size() >= kSpareOwedMax) return;
  owed->on_started = nullptr;
  owed->on_durable.clear();
  spare_owed_.push_back(std::move(owed));
}

// Sagas come in turn, and what one needs is asked for while those before it are worked on: first
// the saga, then what it points to.
void Shard::PrefetchMachines(const Group& group, size_t at) const {
  const std::vector<Machine*>& machines = group.machines;
  if (at + kFarAhead < machines.size()) Prefetch(machines[at + kFarAhead], sizeof(Machine));
  if (at + kNearAhead >= machines.size()) return;
  const Machine& near = *machines[at + kNearAhead];
  Prefetch(near.watch.get(), sizeof(Watch));
  Prefetch(near.journal.data() + near.journal.size());
  if (IsTerminal(near.view.state)) {
    Prefetch(near.journal.data(), near.journal.size());
    current_.PrefetchHash(near.id.hash);
  }
}

void Shard::PrefetchStart(const Message& far, const Message& near) const {
  if (far.kind == Message::Kind::kStart) Prefetch(far.object, sizeof(PendingStart));
  if (near.kind != Message::Kind::kStart) return;
  const auto& start = *static_cast<const PendingStart*>(near.object);
  machines_.prefetch(start.hash);
  for (const FinishedSet* set : {&current_, &flushing_, &flushed_}) set->PrefetchHash(start.hash);
  Prefetch(start.input.data(), start.input.size());
}

void Shard::HandleDurable(Group* group) {
  --groups_in_flight_;
  std::unique_ptr<Group> owned(group);
  if (!group->status.ok()) {
    core_.Fail(group->status);
    TellEveryone(core_.Health());
    return;
  }
  if (group->has_block) {
    BlockInfo& block = blocks_[group->home - first_block_];
    block.durable = true;
    uint64_t seen = core_.last_durable_block.load();
    while (seen < block.sequence &&
           !core_.last_durable_block.compare_exchange_weak(seen, block.sequence)) {
    }
  }
  for (size_t i = 0; i < group->machines.size(); ++i) {
    Machine* machine = group->machines[i];
    PrefetchMachines(*group, i);
    if (--machine->undurable > 0) continue;
    AnswerDurable(*machine);
    Advance(*machine);
    if (MaySeal()) Seal();
  }
  for (const uint64_t home : group->left_homes) ReleaseHome(home);
  for (const uint64_t home : group->old_homes) ReleaseHome(home);
  if (!group->old_homes.empty()) --carries_;
  if (group->ends_flush) {
    for (const FinishedSet::Entry& entry : flushing_.entries()) ReleaseHome(entry.home);
    std::swap(flushed_, flushing_);
    flushing_.Clear();
    flush_order_.clear();
    flush_next_ = 0;
    generation_.fetch_add(1, std::memory_order_acq_rel);
  }
  PublishNeeded(group->ends_flush);
  group->machines.clear();
  group->old_homes.clear();
  group->left_homes.clear();
  group->puts.clear();
  group->put_bytes = 0;
  group->deletes.clear();
  group->has_block = group->ends_flush = false;
  if (spare_groups_.size() < 8) spare_groups_.push_back(std::move(owned));
}

void Shard::Abort(const absl::Status& why) {
  // What is durable by now is still told as such; nothing new goes out.
  aborted_ = true;
  RunOnce();
  std::vector<Message> kept;
  std::vector<Message> rest;
  {
    MutexLock lock(inbox_mutex_);
    closed_ = true;
    for (Message& message : inbox_) {
      const bool ends_work =
          message.kind == Message::Kind::kAttemptDone || message.kind == Message::Kind::kDurable;
      (ends_work ? kept : rest).push_back(std::move(message));
    }
    inbox_.swap(kept);
  }
  for (Message& message : rest) {
    if (message.kind == Message::Kind::kStart) Refuse(static_cast<PendingStart*>(message.object));
  }
  TellEveryone(why);
}

void Shard::TellEveryone(const absl::Status& why) {
  // Dropped work comes back to the inbox as an attempt that may have happened.
  deferred_.clear();
  for (Machine* machine : LiveByAge()) {
    for (Attempt* attempt : machine->running) attempt->stop.request_stop();
    if (const std::unique_ptr<Owed> owed = std::move(machine->owed)) {
      if (owed->on_started) std::move(owed->on_started)(why);
      for (AnswerCallback& answer : owed->on_durable) std::move(answer)(why);
    }
    if (machine->watch && !machine->announced_stuck) machine->watch->Settle(why);
  }
  for (const auto& [id, watch] : sleepers_.watches) watch->Settle(why);
}

}  // namespace skald::inline v1::internal
