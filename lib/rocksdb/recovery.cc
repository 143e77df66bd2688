// Opening the database, at first and again after an error, and closing it when nothing it says can
// be relied on any more.
#include <fmt/core.h>

#include <algorithm>

#include "rocks_status.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "store_impl.h"

namespace skald::inline v1::rocks {
namespace {

// A minute without an error ends the memory of earlier ones.
constexpr absl::Duration kCalm = absl::Minutes(1);

// The first batch of a new store; nothing else may come before it.
absl::Status WriteIdentity(Database& database, const Directory& directory) {
  const std::array<char, kOrdinalBytes> ordinal = EncodeOrdinal(1);
  rocksdb::WriteBatch batch;
  rocksdb::Status status =
      batch.Put(database.meta(), ToSlice(kOrdinalKey), {ordinal.data(), ordinal.size()});
  if (status.ok()) {
    status = batch.Put(database.meta(), ToSlice(kIdentityKey),
                       EncodeIdentity(directory.format(), directory.store_id()));
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  if (status.ok()) status = database.db().Write(options, &batch);
  return FromRocks(status, "writing the first rows of a new store");
}

absl::Status CheckIdentity(Database& database, const Directory& directory) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, database.GetMeta(kIdentityKey));
  const std::optional<Identity> identity = DecodeIdentity(bytes ? *bytes : "");
  if (identity && identity->id == directory.store_id() && identity->format == directory.format()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "opening the store '{}': the database in it is {}. FORMAT, MARK and rocksdb/ must come from "
      "one and the same store: restore them together",
      directory.path(), identity ? "another store's" : "not a store's, or damaged"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> RocksDbStore::OpenChecked(const Evidence& evidence) {
  const auto mode = evidence.exists && evidence.recovered_ordinal() > 0 ? Database::Mode::kReadWrite
                                                                        : Database::Mode::kCreate;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(config_, mode));
  if (evidence.recovered_ordinal() == 0) {
    SKALD_RETURN_IF_ERROR(WriteIdentity(*database, *directory_));
  }
  SKALD_RETURN_IF_ERROR(CheckIdentity(*database, *directory_));
  // What recovery read may have sat in the page cache alone.
  SKALD_RETURN_IF_ERROR(database->FlushAll());
  return database;
}

absl::Status RocksDbStore::OpenDatabase() {
  SKALD_CHECK(database_ == nullptr);
  absl::StatusOr<Evidence> evidence = Look(config_);
  // A power loss between the creation of the database and of its column families leaves one that
  // RocksDB does not open for reading; the store was never open yet.
  const bool unfinished = absl::IsFailedPrecondition(evidence.status()) && acknowledged_ == 0;
  if (unfinished) evidence = Evidence{};
  if (!evidence.ok())
    return Annotate(evidence.status(), fmt::format("opening the store '{}'", directory_->path()));
  SKALD_RETURN_IF_ERROR(Judge(*evidence, acknowledged_, directory_->path()));
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, OpenChecked(*evidence));
  SKALD_ASSIGN_OR_RETURN(ordinal_, database->ReadOrdinal());
  if (ordinal_ != std::max(evidence->recovered_ordinal(), uint64_t{1})) {
    return absl::DataLossError(fmt::format(
        "opening the store '{}': recovery ended at write batch {}, though {} was seen before. Run "
        "skald_fsck on it",
        directory_->path(), ordinal_, evidence->recovered_ordinal()));
  }
  SKALD_ASSIGN_OR_RETURN(writers_, database->ReadWriters());
  SKALD_RETURN_IF_ERROR(mark_->Write(ordinal_));
  SKALD_RETURN_IF_ERROR(mark_->Sync());
  acknowledged_ = ordinal_;
  database_ = database.get();
  gate_.Open(std::move(database));
  return absl::OkStatus();
}

absl::Status RocksDbStore::EnsureOpen() {
  if (errors_->seen() && database_ != nullptr) {
    IgnoreError(CloseAfter(absl::UnavailableError("an error in the background")),
                "it is reopened at once");
  }
  if (database_ != nullptr) return absl::OkStatus();
  const absl::Duration now = options_.clock->Boot();
  if (now < next_attempt_) return closed_because_;
  errors_->Take();
  absl::Status status = OpenDatabase();
  if (status.ok()) {
    notices_.Add(Severity::kInfo, "store-reopened",
                 fmt::format("the database is open again, with all that was acknowledged; last "
                             "write batch {}",
                             ordinal_));
    return status;
  }
  closed_because_ = Annotate(
      absl::IsDataLoss(status) ? status : absl::UnavailableError(status.message()),
      "the outcome is unknown, repeat the identical call; the store was closed after an error and "
      "could not be reopened yet");
  notices_.Add(Severity::kError, "store-not-reopened", std::string(closed_because_.message()));
  next_attempt_ = options_.clock->Boot() + reopen_delay_;
  reopen_delay_ = std::min(2 * reopen_delay_, options_.reopen_delay_max);
  return closed_because_;
}

absl::Status RocksDbStore::Reopen() {
  absl::Status status;
  {
    MutexLock lock(mutex_);
    status = EnsureOpen();
  }
  notices_.Deliver();
  return status;
}

absl::Status RocksDbStore::CloseAfter(const absl::Status& why) {
  SKALD_CHECK(database_ != nullptr);
  database_ = nullptr;
  // In this order: who was let in may still have made a cursor.
  std::unique_ptr<Database> database = gate_.Close();
  cursors_->EndAll(absl::UnavailableError(
      "scanning the store: its database was closed after an error. Scan again"));
  database.reset();
  closed_because_ =
      Annotate(absl::UnavailableError(why.message()),
               "the outcome is unknown, repeat the identical call; the store was closed to be "
               "reopened and compared with its mark");
  notices_.Add(Severity::kError, "store-closed", std::string(closed_because_.message()));
  // Errors that come one upon another are met with growing pauses, also when reopening works.
  const absl::Duration now = options_.clock->Boot();
  if (now - next_attempt_ > kCalm) reopen_delay_ = options_.reopen_delay_min;
  next_attempt_ = now + reopen_delay_;
  reopen_delay_ = std::min(2 * reopen_delay_, options_.reopen_delay_max);
  return closed_because_;
}

}  // namespace skald::inline v1::rocks
