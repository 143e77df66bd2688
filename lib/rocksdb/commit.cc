// The way of a write batch: fence, number, requirements, one synced write, the mark.
#include <fmt/core.h>

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "rocks_status.h"
#include "rocksdb/convenience.h"
#include "row_value.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "store_impl.h"

namespace skald::inline v1::rocks {
namespace {

// Behind every key that a store takes.
const std::string& BehindAllKeys() {
  static const std::string key(kKeyBytesMax + 1, '\xff');
  return key;
}

absl::StatusOr<Version> ReadVersion(Database& database, std::string_view key) {
  if (const std::optional<Version> known = database.row_cache().FindVersion(key)) return *known;
  rocksdb::PinnableSlice found;
  const rocksdb::Status status =
      database.db().Get({}, database.in(Space::kRows), ToSlice(key), &found);
  if (status.IsNotFound()) return Version::kAbsent;
  SKALD_RETURN_IF_ERROR(FromRocks(status, "checking a requirement"));
  const std::optional<RowValue> row = DecodeRowValue(ToView(found));
  if (!row) return absl::DataLossError("checking a requirement: a row is too short");
  return row->version;
}

// Judges the units of a batch in order, each seeing what those before it write.
class RequirementCheck {
 public:
  RequirementCheck(Database& database, uint16_t writer, const Batch& batch)
      : database_(database), writer_(writer), batch_(batch) {}

  absl::StatusOr<std::vector<uint32_t>> Run() {
    std::vector<uint32_t> failed;
    for (size_t i = 0; i < batch_.units.size(); ++i) {
      const Unit& unit = batch_.units[i];
      SKALD_ASSIGN_OR_RETURN(const bool holds, Holds(unit));
      if (!holds) {
        failed.push_back(static_cast<uint32_t>(i));
      } else {
        Note(unit, VersionOf(writer_, batch_.ticket, i));
      }
    }
    return failed;
  }

 private:
  absl::StatusOr<bool> Holds(const Unit& unit) {
    if (unit.require_count() == 0) return true;
    bool holds = true;
    absl::Status error;
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind != Unit::OpKind::kRequire || !holds || !error.ok()) return;
      // Many units of a batch may require one row: a fence, say.
      const auto [known, fresh] = known_.try_emplace(op.key, Version::kAbsent);
      if (fresh) {
        const absl::StatusOr<Version> version = ReadVersion(database_, op.key);
        if (!version.ok()) {
          error = version.status();
          return;
        }
        known->second = *version;
      }
      holds = known->second == op.version;
    });
    if (!error.ok()) return error;
    return holds;
  }

  void Note(const Unit& unit, Version version) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.space != Space::kRows || op.kind == Unit::OpKind::kRequire) return;
      known_[op.key] = op.kind == Unit::OpKind::kPut ? version : Version::kAbsent;
    });
  }

  Database& database_;
  const uint16_t writer_;
  const Batch& batch_;
  // Versions of rows, as the units so far leave them.
  absl::flat_hash_map<std::string_view, Version, StringHash, StringEq> known_;
};

}  // namespace

absl::StatusOr<std::vector<uint32_t>> RocksDbStore::FailedUnits(Database& database, uint16_t writer,
                                                                const Batch& batch) {
  const bool any = std::any_of(batch.units.begin(), batch.units.end(),
                               [](const Unit& unit) { return unit.require_count() > 0; });
  if (!any) return std::vector<uint32_t>();
  return RequirementCheck(database, writer, batch).Run();
}

absl::StatusOr<Database::Writer*> RocksDbStore::CheckFence(const Fence& fence) {
  if (fence.store != id() || fence.writer == 0 || fence.writer > writers_.size()) {
    return absl::InvalidArgumentError(
        fmt::format("the fence (store {:016x}, writer {}) is not of this store ({:016x})",
                    static_cast<uint64_t>(fence.store), fence.writer, static_cast<uint64_t>(id())));
  }
  Database::Writer& writer = writers_[fence.writer - 1U];
  if (fence.epoch != writer.state.epoch) {
    return absl::AbortedError(fmt::format(
        "the fence of writer {} ('{}') is stale: its epoch is {}, another has acquired {} since",
        fence.writer, writer.name, fence.epoch, writer.state.epoch));
  }
  return &writer;
}

void RocksDbStore::StartBatch(Database& database) {
  batch_.Clear();
  const std::array<char, kOrdinalBytes> ordinal = EncodeOrdinal(ordinal_ + 1);
  batch_.Put(database.meta(), ToSlice(kOrdinalKey), {ordinal.data(), ordinal.size()})
      .PermitUncheckedError();
}

void RocksDbStore::PutState(Database& database, uint16_t writer, const WriterState& state) {
  const std::array<char, kWriterStateBytes> bytes = EncodeWriterState(state);
  batch_.Put(database.meta(), WriterStateKey(writer), {bytes.data(), bytes.size()})
      .PermitUncheckedError();
}

// Rows in the order of their keys: those of one key come together, of which only the last is
// written, and what comes sorted need not be sorted in the memtable. Of one key, in the order of
// the units.
void RocksDbStore::PutUnits(Database& database, uint16_t writer, const Batch& batch) {
  rocksdb::ColumnFamilyHandle* const log = database.in(Space::kLog);
  for (size_t i = 0; i < batch.units.size(); ++i) {
    const Version version = VersionOf(writer, batch.ticket, i);
    batch.units[i].ForEach([&](const Unit::Op& op) SKALD_NO_THREAD_SAFETY_ANALYSIS {
      if (op.kind == Unit::OpKind::kRequire) return;
      if (op.space == Space::kRows) {
        row_writes_.push_back(
            {op.key, op.value, version, row_writes_.size(), op.kind == Unit::OpKind::kDelete});
        return;
      }
      const rocksdb::Slice key = ToSlice(op.key);
      const rocksdb::Status status = op.kind == Unit::OpKind::kDelete
                                         ? batch_.Delete(log, key)
                                         : batch_.Put(log, key, ToSlice(op.value));
      SKALD_CHECK(status.ok(), "{}", status.ToString());
    });
  }
  std::sort(row_writes_.begin(), row_writes_.end(), [](const RowWrite& a, const RowWrite& b) {
    const int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : a.place < b.place;
  });
  const size_t count = row_writes_.size();
  for (size_t i = 0; i < count; ++i) {
    // What a later unit writes over shows to nobody.
    const bool last = i + 1 == count || row_writes_[i].key != row_writes_[i + 1].key;
    if (last) PutRow(database, row_writes_[i]);
  }
  row_writes_.clear();
}

void RocksDbStore::PutRow(Database& database, const RowWrite& write) {
  rocksdb::ColumnFamilyHandle* const rows = database.in(Space::kRows);
  const rocksdb::Slice key = ToSlice(write.key);
  const std::array<char, kVersionBytes> prefix = EncodeVersion(write.version);
  const rocksdb::Slice value[2] = {{prefix.data(), prefix.size()}, ToSlice(write.value)};
  const rocksdb::Status status =
      write.deletes ? batch_.Delete(rows, key) : batch_.Put(rows, {&key, 1}, {value, 2});
  SKALD_CHECK(status.ok(), "{}", status.ToString());
  if (write.deletes) {
    database.row_cache().Forget(write.key);
  } else {
    database.row_cache().Put(write.key, write.version, write.value, ordinal_ + 1);
  }
}

absl::Status RocksDbStore::WriteDurably(Database& database) {
  rocksdb::WriteOptions options;
  options.sync = !hooks_.sync_off;
  const rocksdb::Status written = database.db().Write(options, &batch_);
  if (!written.ok()) return CloseAfter(FromRocks(written, "writing to the store"));
  database.background_pace().Committed(batch_.GetDataSize());
  ++ordinal_;
  // The mark stands before the answer: what is answered is known to the next one who opens.
  const absl::Status marked = mark_->Write(ordinal_);
  if (!marked.ok()) return CloseAfter(marked);
  acknowledged_ = ordinal_;
  database.row_cache().Publish(ordinal_);
  return absl::OkStatus();
}

absl::Status RocksDbStore::WriteDeferred(Database& database) {
  if (!std::exchange(deferred_, false)) return absl::OkStatus();
  return WriteDurably(database);
}

absl::StatusOr<Acquired> RocksDbStore::Acquire(std::string_view name) {
  SKALD_RETURN_IF_ERROR(CheckWriterName(name));
  absl::StatusOr<Acquired> acquired;
  {
    MutexLock lock(mutex_);
    acquired = AcquireLocked(name);
  }
  notices_.Deliver();
  return acquired;
}

absl::StatusOr<Acquired> RocksDbStore::AcquireLocked(std::string_view name) {
  SKALD_RETURN_IF_ERROR(EnsureOpen());
  Database& database = *database_;
  SKALD_RETURN_IF_ERROR(WriteDeferred(database));
  const auto found = std::find_if(writers_.begin(), writers_.end(),
                                  [&](const Database::Writer& each) { return each.name == name; });
  const bool fresh = found == writers_.end();
  if (fresh && writers_.size() >= UINT16_MAX) {
    return absl::ResourceExhaustedError(
        fmt::format("no number is left for writer '{}': a store has at most {} names of writers",
                    name, UINT16_MAX));
  }
  Database::Writer writer = fresh ? Database::Writer{} : *found;
  if (fresh) {
    writer.number = static_cast<uint16_t>(writers_.size() + 1);
    writer.name = name;
  }
  ++writer.state.epoch;
  StartBatch(database);
  if (fresh) {
    batch_.Put(database.meta(), WriterNameKey(writer.number), writer.name).PermitUncheckedError();
  }
  PutState(database, writer.number, writer.state);
  SKALD_RETURN_IF_ERROR(WriteDurably(database));
  if (fresh) {
    writers_.push_back(writer);
  } else {
    *found = writer;
  }
  return Acquired{.fence = {.store = id(), .writer = writer.number, .epoch = writer.state.epoch},
                  .last_number = writer.state.last_number,
                  .last_ticket = writer.state.last_ticket};
}

absl::StatusOr<CommitResult> RocksDbStore::Commit(const Fence& fence, const Batch& batch) {
  SKALD_RETURN_IF_ERROR(CheckLimits(batch, options_.limits));
  const uint64_t checksum = batch.Checksum();
  absl::StatusOr<CommitResult> result;
  {
    MutexLock lock(mutex_);
    result = CommitLocked(fence, batch, checksum);
  }
  notices_.Deliver();
  return result;
}

absl::StatusOr<CommitResult> RocksDbStore::CommitLocked(const Fence& fence, const Batch& batch,
                                                        uint64_t checksum) {
  SKALD_RETURN_IF_ERROR(EnsureOpen());
  Database& database = *database_;
  SKALD_RETURN_IF_ERROR(WriteDeferred(database));
  SKALD_ASSIGN_OR_RETURN(Database::Writer* const writer, CheckFence(fence));
  WriterState state = writer->state;
  const bool repeated = batch.number == state.last_number && batch.number != 0;
  if (repeated && checksum == state.last_checksum) return CommitResult{};
  if (batch.number != state.last_number + 1) {
    return absl::FailedPreconditionError(fmt::format(
        "batch {} of writer {} {}; the next is {}", batch.number, fence.writer,
        repeated ? "was committed with other contents" : "is out of turn", state.last_number + 1));
  }
  CommitResult result;
  SKALD_ASSIGN_OR_RETURN(result.failed_units, FailedUnits(database, fence.writer, batch));
  if (!result.failed_units.empty()) return result;
  state.last_number = batch.number;
  state.last_checksum = checksum;
  state.last_ticket = std::max(state.last_ticket, batch.last_ticket());
  StartBatch(database);
  PutState(database, fence.writer, state);
  PutUnits(database, fence.writer, batch);
  deferred_ = hooks_.ack_before_commit;
  if (!deferred_) SKALD_RETURN_IF_ERROR(WriteDurably(database));
  writer->state = state;
  return result;
}

absl::Status RocksDbStore::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  absl::Status status;
  {
    MutexLock lock(mutex_);
    status = DropRangeLocked(fence, space, range);
  }
  notices_.Deliver();
  return status;
}

absl::Status RocksDbStore::DropRangeLocked(const Fence& fence, Space space, const KeyRange& range) {
  SKALD_RETURN_IF_ERROR(EnsureOpen());
  Database& database = *database_;
  SKALD_RETURN_IF_ERROR(WriteDeferred(database));
  SKALD_RETURN_IF_ERROR(CheckFence(fence).status());
  if (!range.to.empty() && range.to <= range.from) return absl::OkStatus();
  const std::string& to = range.to.empty() ? BehindAllKeys() : range.to;
  // The tombstone is durable before a file goes: a crash between the two hides nothing and shows
  // nothing, it only delays the space.
  if (space == Space::kRows) database.row_cache().ForgetRange(range.from, to);
  StartBatch(database);
  batch_.DeleteRange(database.in(space), range.from, to).PermitUncheckedError();
  SKALD_RETURN_IF_ERROR(WriteDurably(database));
  // A file that reached over the end of the drop before goes with the one that adjoins it.
  const auto s = static_cast<size_t>(space);
  if (dropped_to_[s] != range.from || dropped_to_[s].empty()) dropped_from_[s] = range.from;
  dropped_to_[s] = to;
  const rocksdb::Slice begin = dropped_from_[s];
  const rocksdb::Slice end = to;
  const rocksdb::RangePtr whole(&begin, &end);
  const rocksdb::Status freed = rocksdb::DeleteFilesInRanges(&database.db(), database.in(space),
                                                             &whole, 1, /*include_end=*/false);
  IgnoreError(FromRocks(freed, "dropping files"), "compaction gives the space back too");
  return absl::OkStatus();
}

}  // namespace skald::inline v1::rocks
