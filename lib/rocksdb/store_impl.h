// The store: fences, numbers, requirements and the mark over a Database that may be closed and
// reopened beneath it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cursors.h"
#include "database.h"
#include "directory.h"
#include "evidence.h"
#include "gate.h"
#include "mark.h"
#include "mark_keeper.h"
#include "notices.h"
#include "rocksdb/write_batch.h"
#include "skald/base/mutex.h"
#include "skald/base/strings.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/rocksdb/testing/hooks.h"

namespace skald::inline v1::rocks {

// Hears RocksDB's background errors, on its threads and in the middle of our own calls.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  explicit BackgroundErrors(Notices& notices) : notices_(notices) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  // Whether there was one since the last call.
  bool Take() { return seen_.exchange(false, std::memory_order_acq_rel); }
  bool seen() const { return seen_.load(std::memory_order_acquire); }

 private:
  Notices& notices_;
  std::atomic<bool> seen_{false};
};

// RocksDB's own words, from warnings up, as notices: it writes no log file.
class NoticingLogger final : public rocksdb::Logger {
 public:
  explicit NoticingLogger(Notices& notices)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), notices_(notices) {}
  using Logger::Logv;
  __attribute__((format(printf, 2, 0))) void Logv(const char* format, va_list values) override {
    Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, values);
  }
  __attribute__((format(printf, 3, 0))) void Logv(rocksdb::InfoLogLevel level, const char* format,
                                                  va_list values) override;
  void LogHeader(const char*, va_list) override {}

 private:
  Notices& notices_;
};

class RocksDbStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(std::string path, RocksDbOptions options,
                                                     RocksDbTestHooks hooks);
  ~RocksDbStore() override;

  absl::StatusOr<Acquired> Acquire(std::string_view name) override SKALD_EXCLUDES(mutex_);
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override
      SKALD_EXCLUDES(mutex_);
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override
      SKALD_EXCLUDES(mutex_);
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override
      SKALD_EXCLUDES(mutex_);
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override
      SKALD_EXCLUDES(mutex_);
  StoreLimits limits() const override { return options_.limits; }
  StoreId id() const override { return directory_->store_id(); }

 private:
  // A write of a row on its way into batch_; views into the units.
  struct RowWrite {
    std::string_view key, value;
    Version version;
    size_t place;  // among the batch's row writes
    bool deletes;
  };

  RocksDbStore(std::unique_ptr<Directory> directory, std::unique_ptr<Mark> mark,
               RocksDbOptions options, RocksDbTestHooks hooks);

  // Recovery (recovery.cc).
  absl::Status OpenDatabase() SKALD_REQUIRES(mutex_);
  absl::StatusOr<std::unique_ptr<Database>> OpenChecked(const Evidence& evidence);
  absl::Status EnsureOpen() SKALD_REQUIRES(mutex_);
  // For calls that only read. RETURNS: OK when the gate is open again.
  absl::Status Reopen() SKALD_EXCLUDES(mutex_);
  // Closes the database because of `why`. RETURNS: the answer for a call whose outcome is unknown.
  absl::Status CloseAfter(const absl::Status& why) SKALD_REQUIRES(mutex_);

  // Writing (commit.cc).
  absl::StatusOr<Acquired> AcquireLocked(std::string_view name) SKALD_REQUIRES(mutex_);
  absl::StatusOr<CommitResult> CommitLocked(const Fence& fence, const Batch& batch,
                                            uint64_t checksum) SKALD_REQUIRES(mutex_);
  absl::Status DropRangeLocked(const Fence& fence, Space space, const KeyRange& range)
      SKALD_REQUIRES(mutex_);
  absl::StatusOr<Database::Writer*> CheckFence(const Fence& fence) SKALD_REQUIRES(mutex_);
  absl::StatusOr<std::vector<uint32_t>> FailedUnits(Database& database, uint16_t writer,
                                                    const Batch& batch);
  void StartBatch(Database& database) SKALD_REQUIRES(mutex_);
  void PutUnits(Database& database, uint16_t writer, const Batch& batch) SKALD_REQUIRES(mutex_);
  void PutRow(Database& database, const RowWrite& write) SKALD_REQUIRES(mutex_);
  void PutState(Database& database, uint16_t writer, const WriterState& state)
      SKALD_REQUIRES(mutex_);
  // Makes batch_ durable and marks it. Anything but OK: the outcome is unknown, the database
  // closed.
  absl::Status WriteDurably(Database& database) SKALD_REQUIRES(mutex_);
  absl::Status WriteDeferred(Database& database) SKALD_REQUIRES(mutex_);

  const RocksDbOptions options_;
  const RocksDbTestHooks hooks_;
  const std::unique_ptr<Directory> directory_;
  const std::unique_ptr<Mark> mark_;
  Notices notices_;
  const std::shared_ptr<BackgroundErrors> errors_;
  const std::shared_ptr<NoticingLogger> logger_;
  const std::shared_ptr<OpenCursors> cursors_;
  DatabaseConfig config_;
  Gate gate_;

  // Held through a commit's write and sync, and while the database is reopened: the contract lets
  // one commit at a time happen, and nobody else takes this lock for long.
  Mutex mutex_;
  Database* database_ SKALD_GUARDED_BY(mutex_) = nullptr;           // the gate's; null: closed
  std::vector<Database::Writer> writers_ SKALD_GUARDED_BY(mutex_);  // by number - 1
  uint64_t ordinal_ SKALD_GUARDED_BY(mutex_) = 0;                   // last that was written
  uint64_t acknowledged_ SKALD_GUARDED_BY(mutex_) = 0;              // exact; the mark may lag
  rocksdb::WriteBatch batch_ SKALD_GUARDED_BY(mutex_);
  std::vector<RowWrite> row_writes_ SKALD_GUARDED_BY(mutex_);  // empty between commits
  bool deferred_ SKALD_GUARDED_BY(mutex_) = false;  // batch_ is acknowledged, not written (planted)
  std::string dropped_from_[2] SKALD_GUARDED_BY(mutex_);  // where adjoining drops of a space began
  std::string dropped_to_[2] SKALD_GUARDED_BY(mutex_);
  absl::Status closed_because_ SKALD_GUARDED_BY(mutex_);
  absl::Duration next_attempt_ SKALD_GUARDED_BY(mutex_);
  absl::Duration reopen_delay_ SKALD_GUARDED_BY(mutex_);

  std::unique_ptr<MarkKeeper> keeper_;
};

}  // namespace skald::inline v1::rocks
