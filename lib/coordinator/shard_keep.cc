// What is kept of finished sagas, and which part of the journal is still needed.

#include <algorithm>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

// Rows of finished sagas that ride along with one commit: few beside sagas, which wait for it.
constexpr size_t kRowsBesideSagasMin = 64;
constexpr size_t kRowsAlone = 512;
// To drop blocks is a write of its own: not for less of them.
constexpr size_t kUnneededBytesMin = size_t{1} << 20;
constexpr size_t kRowBytesPerGroup = size_t{2} << 20;
// The rows of one generation are out when the next one is as full as this.
constexpr double kRowsOutAt = 0.75;
constexpr size_t kRowsAhead = 8;  // asked for before they are needed
constexpr size_t kFinishedBytesMax = size_t{64} << 20;
constexpr size_t kCarriedBytesMax = size_t{2} << 20;

// The result of a completed saga whose definition is not here, from its events alone.
std::optional<std::string_view> ResultInJournal(std::string_view journal) {
  uint16_t result_step = Event::kNoStep;
  std::optional<std::string_view> result;
  while (!journal.empty()) {
    const absl::StatusOr<Event> event = ReadEvent(journal);
    if (!event.ok()) return std::nullopt;
    if (event->kind == EventKind::kStart) result_step = event->result_step;
    const bool put_off = event->kind == EventKind::kVerdict && event->verdict != VerdictKind::kDone;
    const bool gives = event->has_output && event->step == result_step && !put_off;
    if (gives && result_step != Event::kNoStep) result = event->output;
  }
  return result;
}

}  // namespace

void Shard::KeepFinished(Machine& machine) {
  const SagaView& view = machine.view;
  FinishedRecord record;
  record.id = machine.id;
  record.definition = machine.definition_name();
  record.version = view.version;
  record.key = machine.key();
  record.input_fingerprint = view.input_fingerprint(machine.journal);
  record.state = view.state;
  const std::string step = StepName(machine, view.reason_step);
  if (view.state != SagaState::kCompleted) {
    record.reason = view.reason.In(machine.journal);
    record.step = step;
  }
  absl::Duration retention = core_.options.retention_without_definition;
  if (machine.registered != nullptr) {
    const DefinitionData& data = machine.registered->data();
    retention = data.retention;
    if (view.state == SagaState::kCompleted && data.result_step) {
      const StepView& given = view.steps[*data.result_step];
      record.result = given.expanded ? "" : given.output.In(machine.journal);
    }
  }
  if (machine.registered == nullptr && view.state == SagaState::kCompleted) {
    record.result = ResultInJournal(machine.journal);
  }
  record.started = view.started(machine.journal);
  record.finished = view.updated;
  if (IsStartedByStep(machine.key())) retention = std::max(retention, kStartedRetentionMin);
  record.expires = record.finished + retention;
  record.sequence = view.sequence;
  std::string signals;
  for (const SignalView& signal : view.signals()) {
    signals += SignalMark(signal.name.In(machine.journal), signal.key.In(machine.journal));
  }
  record.signals = signals;
  current_.Add(record, machine.home, machine.row_existed);
  if (machine.watch) machine.watch->Settle(ToSettled(record));
  if (GenerationFilled() >= 1) FlushFinished();
}

double Shard::GenerationFilled() const {
  const size_t finished_max = core_.options.finished_in_memory_max / core_.shards.size();
  const auto records = static_cast<double>(2 * current_.size());
  return std::max(records / static_cast<double>(std::max<size_t>(finished_max, 1)),
                  static_cast<double>(current_.size_bytes()) / double{kFinishedBytesMax});
}

size_t Shard::JournalBytesMax() const {
  return core_.options.journal_bytes_max / core_.shards.size();
}

void Shard::FlushFinished() {
  if (Flushing() || !flushing_.empty() || current_.empty()) return;
  std::swap(current_, flushing_);
  flush_order_ = flushing_.Sorted();
  flush_next_ = 0;
}

std::optional<std::string> Shard::FinishedRow(uint64_t hash) const {
  std::string row;
  for (const FinishedSet* set : {&current_, &flushing_, &flushed_}) {
    set->AppendRowOf(set->Find(hash), &row);
  }
  if (row.empty()) return std::nullopt;
  return row;
}

// As many rows as sagas have finished meanwhile: all at once would hold up every commit of the next
// tenth of a second.
size_t Shard::RowsDue() const {
  const double share = std::min(GenerationFilled() / kRowsOutAt, 1.0);
  const auto due = static_cast<size_t>(share * static_cast<double>(flush_order_.size()));
  const size_t rows = due - std::min(due, flush_next_);
  // The journal cannot get shorter before they are out.
  return block_bytes_ > JournalBytesMax() ? std::max(rows, kRowsAlone) : rows;
}

void Shard::AddFinishedRows(Unit& unit, Group& group) {
  size_t rows = 0;
  size_t bytes = 0;
  std::string row;
  const size_t rows_max = group.has_block ? std::max(kRowsBesideSagasMin, RowsDue()) : kRowsAlone;
  while (Flushing() && rows < rows_max && bytes < kRowBytesPerGroup) {
    const FinishedSet::Place& place = flush_order_[flush_next_++];
    if (const size_t ahead = flush_next_ + kRowsAhead; ahead < flush_order_.size()) {
      flushing_.PrefetchRowOf(flush_order_[ahead]);
      flushed_.PrefetchHash(flush_order_[ahead].hash);
    }
    const uint64_t hash = place.hash;
    row.clear();
    flushing_.AppendRowOf(place, &row);
    // The row may hold another key's record, or this one's from an earlier incarnation.
    if (flushed_.Contains(hash) || flushing_.RowExisted(place)) {
      absl::StatusOr<std::optional<Row>> old =
          core_.committer->store().Get(Space::kRows, FinishedKey(hash));
      if (!old.ok()) {
        // Written over it would be lost: tried again with the next group.
        --flush_next_;
        break;
      }
      if (old->has_value()) row.append(Unexpired((*old)->value));
    }
    unit.Put(Space::kRows, FinishedKey(hash), row);
    bytes += row.size();
    ++rows;
  }
  if (rows > 0 && !Flushing()) group.ends_flush = true;
}

std::string Shard::Unexpired(std::string_view row) const {
  std::string kept;
  while (!row.empty()) {
    const absl::StatusOr<FinishedRecord> record = ReadFinished(row);
    // What cannot be read is kept as it is.
    if (!record.ok()) return kept.append(row);
    if (record->expires > now_) AppendFinished(*record, &kept);
  }
  return kept;
}

void Shard::ReleaseHome(uint64_t home) {
  SKALD_CHECK(home >= first_block_, "home={} first={}", home, first_block_);
  BlockInfo& block = blocks_[home - first_block_];
  SKALD_CHECK(block.live > 0, "home={}", home);
  --block.live;
}

// `drop`: what is not needed is given back, however little it is.
void Shard::PublishNeeded(bool drop) {
  // The newest block stays: it carries the time and the incarnations that a later open begins with.
  while (blocks_.size() > 1 && blocks_.front().live == 0 && blocks_.front().durable) {
    block_bytes_ -= blocks_.front().bytes;
    unneeded_bytes_ += blocks_.front().bytes;
    blocks_.pop_front();
    ++first_block_;
  }
  needed_.store(blocks_.empty() ? ~uint64_t{0} : blocks_.front().sequence,
                std::memory_order_seq_cst);
  // Where sagas do not end and fall asleep or are carried forward, no flush ends either.
  if (drop || unneeded_bytes_ >= std::max(JournalBytesMax() / 4, kUnneededBytesMin)) {
    unneeded_bytes_ = 0;
    core_.notifier->PostJob([core = core_.weak_from_this()] {
      if (auto alive = core.lock()) alive->DropOldBlocks();
    });
  }
  // (Sagas that are not folded yet would stay where they are.)
  if (!unfolded_.empty()) return;
  // With little garbage in it there is nothing to gain from writing it again.
  if (block_bytes_ > std::max(JournalBytesMax(), 2 * live_bytes_)) CarryForward();
}

void Shard::CarryForward() {
  FlushFinished();
  if (carries_ > 0 || blocks_.size() < 4) return;
  // Sagas that began in the older half of the blocks are written again, whole, at the front.
  const uint64_t young = first_block_ + blocks_.size() / 2;
  for (Machine* machine : LiveByAge()) {
    // One that is as large as a block stays where it is, and what lies behind it too.
    if (machine->asleep) continue;  // it stands elsewhere
    if (machine->home >= young || machine->journal.size() > kCarriedBytesMax) continue;
    Group& group = Pending();
    group.builder.Add(machine->id, true, machine->journal);
    if (group.old_homes.empty()) ++carries_;
    group.old_homes.push_back(machine->home);
    machine->home = group.home;
    ++blocks_[group.home - first_block_].live;
    if (machine->group != group.serial) {
      machine->group = group.serial;
      ++machine->undurable;
      group.machines.push_back(machine);
    }
    if (MaySeal()) Seal();
  }
}

}  // namespace skald::inline v1::internal
