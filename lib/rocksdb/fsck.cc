#include "skald/rocksdb/fsck.h"

#include <fmt/core.h>

#include <algorithm>

#include "directory.h"
#include "evidence.h"
#include "mark.h"
#include "rocks_status.h"
#include "rocksdb/write_batch.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

using rocks::Database;
using rocks::DatabaseConfig;
using rocks::Directory;
using rocks::Evidence;
using rocks::MarkImage;
using rocks::MarkSlot;

constexpr uint64_t kEpochJump = uint64_t{1} << 32;
constexpr size_t kMemoryBytes = size_t{64} << 20;

DatabaseConfig ConfigOf(const Directory& directory) {
  return {.fs = directory.fs(), .path = directory.database_path(), .memory_bytes = kMemoryBytes};
}

std::string MessageOf(const absl::Status& status) {
  return std::string(ToStd(status.message()));
}

void ReportMark(const MarkImage& image, StoreId id, FsckReport& report) {
  const MarkSlot* best = image.best();
  if (best != nullptr && best->store == id) {
    report.marked_ordinal = best->ordinal;
  } else {
    report.problems.push_back(!image.exists     ? "The mark is missing."
                              : best == nullptr ? "The mark is damaged: none of its slots is valid."
                                                : "The mark belongs to another store.");
  }
}

absl::StatusOr<uint64_t> Count(Database& database, Space space, bool exactly) {
  if (!exactly) {
    uint64_t estimate = 0;
    database.db().GetIntProperty(database.in(space), "rocksdb.estimate-num-keys", &estimate);
    return estimate;
  }
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> each(
      database.db().NewIterator(options, database.in(space)));
  uint64_t count = 0;
  for (each->SeekToFirst(); each->Valid(); each->Next()) ++count;
  SKALD_RETURN_IF_ERROR(rocks::FromRocks(each->status(), "counting"));
  return count;
}

// RETURNS: DataLoss when the database does not open even for reading.
absl::Status ReportDatabase(const Directory& directory, bool count, FsckReport& report) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Database> database,
                         Database::Open(ConfigOf(directory), Database::Mode::kReadOnly));
  SKALD_ASSIGN_OR_RETURN(report.recovered_ordinal, database->ReadOrdinal());
  SKALD_ASSIGN_OR_RETURN(const auto identity, database->GetMeta(rocks::kIdentityKey));
  const auto known = rocks::DecodeIdentity(identity ? *identity : "");
  if (!known || known->id != report.id) {
    report.problems.emplace_back(
        "The database is another store's than the file FORMAT, or damaged: restore FORMAT, MARK "
        "and rocksdb/ of one store together.");
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<Database::Writer> writers, database->ReadWriters());
  for (const Database::Writer& each : writers) {
    report.writers.push_back(
        {each.number, each.name, each.state.epoch, each.state.last_number, each.state.last_ticket});
  }
  report.counted = count;
  SKALD_ASSIGN_OR_RETURN(report.rows, Count(*database, Space::kRows, count));
  SKALD_ASSIGN_OR_RETURN(report.log_entries, Count(*database, Space::kLog, count));
  return absl::OkStatus();
}

void ReportLoss(const Evidence& evidence, FsckReport& report) {
  if (evidence.unreadable) {
    report.problems.push_back(
        fmt::format("The write-ahead log holds {}, which no store writes.", *evidence.unreadable));
  }
  if (evidence.gap) {
    report.problems.push_back(
        fmt::format("The write batches {} to {} are missing from the middle of the log.",
                    evidence.gap->after + 1, evidence.gap->next - 1));
  }
  if (report.marked_ordinal > report.recovered_ordinal) {
    report.problems.push_back(fmt::format("{} acknowledged write batches are missing: {} to {}.",
                                          *report.marked_ordinal - report.recovered_ordinal,
                                          report.recovered_ordinal + 1, *report.marked_ordinal));
  }
}

// What is there, in whatever state. Damage becomes problems, not an error.
absl::Status Inspect(const Directory& directory, bool count, FsckReport& report) {
  SKALD_ASSIGN_OR_RETURN(const MarkImage image,
                         rocks::ReadMark(directory.fs(), directory.mark_path()));
  ReportMark(image, report.id, report);
  const absl::StatusOr<Evidence> evidence = rocks::Look(ConfigOf(directory));
  absl::Status readable = evidence.status();
  if (readable.ok() && evidence->exists) {
    report.flushed_ordinal = evidence->flushed_ordinal;
    report.log_records = evidence->log_records;
    readable = ReportDatabase(directory, count, report);
  }
  if (!readable.ok()) {
    report.problems.push_back(
        fmt::format("The database does not open for reading: {}.", MessageOf(readable)));
    return absl::OkStatus();
  }
  if (!evidence->exists) report.problems.emplace_back("There is no database.");
  ReportLoss(*evidence, report);
  return absl::OkStatus();
}

absl::Status RaiseEpochs(Database& database, uint64_t ordinal, FsckReport& report) {
  rocksdb::WriteBatch batch;
  const auto bytes = rocks::EncodeOrdinal(ordinal);
  rocksdb::Status status =
      batch.Put(database.meta(), rocks::ToSlice(rocks::kOrdinalKey), {bytes.data(), bytes.size()});
  SKALD_ASSIGN_OR_RETURN(std::vector<Database::Writer> writers, database.ReadWriters());
  for (Database::Writer& each : writers) {
    each.state.epoch += kEpochJump;
    const auto state = rocks::EncodeWriterState(each.state);
    if (status.ok()) {
      status = batch.Put(database.meta(), rocks::WriterStateKey(each.number),
                         {state.data(), state.size()});
    }
    report.writers[each.number - 1U].epoch = each.state.epoch;
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  if (status.ok()) status = database.db().Write(options, &batch);
  return rocks::FromRocks(status, "raising the epochs");
}

absl::Status Adopt(const Directory& directory, FsckReport& report) {
  if (report.recovered_ordinal == 0) {
    return absl::FailedPreconditionError(fmt::format(
        "adopting the store '{}': there is no database in it that could be read. Restore a backup",
        directory.path()));
  }
  SKALD_ASSIGN_OR_RETURN(const MarkImage image,
                         rocks::ReadMark(directory.fs(), directory.mark_path()));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Database> database,
                         Database::Open(ConfigOf(directory), Database::Mode::kReadWrite));
  SKALD_RETURN_IF_ERROR(database->FlushAll());
  SKALD_ASSIGN_OR_RETURN(uint64_t ordinal, database->ReadOrdinal());
  ++ordinal;
  SKALD_RETURN_IF_ERROR(RaiseEpochs(*database, ordinal, report));
  const MarkSlot* best = image.best();
  const uint64_t generation = best == nullptr ? 1 : best->generation + 1;
  SKALD_RETURN_IF_ERROR(rocks::ReplaceMark(
      directory.fs(), directory.path(),
      {.store = directory.store_id(), .ordinal = ordinal, .generation = generation}));
  report.recovered_ordinal = ordinal;
  report.marked_ordinal = ordinal;
  report.adopted = true;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FsckReport> FsckRocksDbStore(const std::string& path, const FsckOptions& options) {
  SKALD_ASSIGN_OR_RETURN(
      const std::unique_ptr<Directory> directory,
      Directory::Open(rocksdb::FileSystem::Default(), path,
                      {.create_if_missing = false, .allow_network_file_system = true}));
  FsckReport report{.path = path, .format = directory->format(), .id = directory->store_id()};
  SKALD_RETURN_IF_ERROR(Inspect(*directory, options.count, report));
  if (options.adopt) SKALD_RETURN_IF_ERROR(Adopt(*directory, report));
  return report;
}

std::string ToText(const FsckReport& report) {
  std::string text;
  text += fmt::format("store {:016x} in '{}', format {}\n", static_cast<uint64_t>(report.id),
                      report.path, report.format);
  text += fmt::format("write batches: {} in files, {} more in the log, the last is {}\n",
                      report.flushed_ordinal, report.log_records, report.recovered_ordinal);
  text += fmt::format(
      "acknowledged, by the mark: {}\n",
      report.marked_ordinal ? fmt::format("up to {}", *report.marked_ordinal) : "not readable");
  for (const FsckReport::Writer& each : report.writers) {
    text += fmt::format("writer {} '{}': epoch {}, last batch {}, last ticket {}\n", each.number,
                        each.name, each.epoch, each.last_number, each.last_ticket);
  }
  text += fmt::format("{}{} rows, {} log entries\n", report.counted ? "" : "about ", report.rows,
                      report.log_entries);
  for (const std::string& problem : report.problems) {
    text += fmt::format("PROBLEM: {}\n", problem);
  }
  if (report.adopted) {
    text += "Adopted: what is there is the store from now on.\n";
  } else if (report.problems.empty()) {
    text += "All that was acknowledged is there.\n";
  } else {
    text +=
        "The store does not open like this. Restore a backup, or copy the directory and "
        "accept what is left with --adopt.\n";
  }
  return text;
}

}  // namespace skald::inline v1
