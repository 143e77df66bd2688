#include "evidence.h"

#include <fmt/core.h>

#include <algorithm>

#include "rocksdb/write_batch.h"
#include "skald/base/bytes.h"
#include "skald/base/status.h"

namespace skald::inline v1::rocks {
namespace {

// Takes the ordinal from the front of a batch and looks no further.
class FirstOrdinal final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (family == 0 && ToView(key) == kOrdinalKey) ordinal = DecodeOrdinal(ToView(value));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  bool Continue() override {
    // Asked before every operation: only the first one is looked at.
    return !std::exchange(started_, true);
  }

  std::optional<uint64_t> ordinal;

 private:
  bool started_ = false;
};

// As many operations as `count`, on a column family that is not there: replaying them changes
// nothing but RocksDB's sequence number, by which it tells whether a log goes on where a damaged
// one ended. The bytes are those of RocksDB's write-batch format: sequence, count, records.
rocksdb::WriteBatch WithoutContents(uint32_t count) {
  constexpr char kDeletion[] = {0x4, 0x7f, 0};  // of the empty key in column family 127
  std::string bytes;
  bytes.reserve(12 + sizeof kDeletion * count);
  ByteWriter out(&bytes);
  out.Little(uint64_t{0}).Little(count);
  for (uint32_t i = 0; i < count; ++i) out.Raw({kDeletion, sizeof kDeletion});
  return rocksdb::WriteBatch(std::move(bytes));
}

// Notes what the write-ahead log holds and lets nothing of it into memory.
class NotingFilter final : public rocksdb::WalFilter {
 public:
  explicit NotingFilter(Evidence& evidence) : evidence_(evidence) {}

  const char* Name() const override { return "skald.noting"; }

  WalProcessingOption LogRecordFound(unsigned long long log_number,
                                     const std::string& /*log_file_name*/,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override {
    // RocksDB writes an empty batch behind a log that it found torn.
    if (batch.Count() == 0) return WalProcessingOption::kContinueProcessing;
    FirstOrdinal first;
    batch.Iterate(&first).PermitUncheckedError();
    if (first.ordinal) {
      Note(*first.ordinal);
    } else if (!evidence_.unreadable) {
      evidence_.unreadable = fmt::format("a record of log {} after ordinal {}", log_number,
                                         evidence_.log_last_ordinal);
    }
    *new_batch = WithoutContents(batch.Count());
    *batch_changed = true;
    return WalProcessingOption::kContinueProcessing;
  }

 private:
  void Note(uint64_t ordinal) {
    ++evidence_.log_records;
    if (evidence_.log_records == 1) {
      evidence_.log_first_ordinal = ordinal;
    } else if (ordinal != evidence_.log_last_ordinal + 1 && !evidence_.gap) {
      evidence_.gap = {evidence_.log_last_ordinal, ordinal};
    }
    evidence_.log_last_ordinal = std::max(evidence_.log_last_ordinal, ordinal);
  }

  Evidence& evidence_;
};

constexpr std::string_view kWhatToDo =
    "The files are untouched. Copy the directory, then run skald_fsck on it to see what is there; "
    "restore a backup, or accept the loss with skald_fsck --adopt";

}  // namespace

absl::StatusOr<Evidence> Look(const DatabaseConfig& config) {
  Evidence evidence;
  SKALD_ASSIGN_OR_RETURN(evidence.exists, DatabaseExists(config.fs, config.path));
  if (!evidence.exists) return evidence;
  NotingFilter filter(evidence);
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Database> database,
                         Database::Open(config, Database::Mode::kReadOnly, &filter));
  SKALD_ASSIGN_OR_RETURN(evidence.flushed_ordinal, database->ReadOrdinal());
  if (evidence.log_records > 0 && evidence.log_first_ordinal > evidence.flushed_ordinal + 1) {
    evidence.gap = {evidence.flushed_ordinal, evidence.log_first_ordinal};
  }
  return evidence;
}

absl::Status Judge(const Evidence& evidence, uint64_t acknowledged, const std::string& path) {
  if (evidence.unreadable) {
    return absl::DataLossError(
        fmt::format("opening the store '{}': {} is not one that a store writes, so something else "
                    "wrote to this database. {}",
                    path, *evidence.unreadable, kWhatToDo));
  }
  if (evidence.gap) {
    return absl::DataLossError(fmt::format(
        "opening the store '{}': the write batches {} to {} are missing from the middle of its "
        "write-ahead log. {}",
        path, evidence.gap->after + 1, evidence.gap->next - 1, kWhatToDo));
  }
  if (evidence.recovered_ordinal() >= acknowledged) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "opening the store '{}': {} acknowledged write batches are missing: it holds those up to {}, "
      "and its mark says that {} was acknowledged. {}",
      path, acknowledged - evidence.recovered_ordinal(), evidence.recovered_ordinal(), acknowledged,
      kWhatToDo));
}

}  // namespace skald::inline v1::rocks
