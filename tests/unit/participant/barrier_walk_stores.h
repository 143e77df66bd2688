// What barrier_walk.cc walks over: a participant's store that can be begun anew, opened, closed as
// by a crash and looked into. A new beginning is a new name of the barrier, and of its effects.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "skald/base/check.h"
#include "skald/participant/barrier_record.h"
#include "skald/participant/internal/barrier_core.h"
#include "skald/participant/internal/committer_port.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"

#if defined(SKALD_WALK_ROCKSDB)
#include <filesystem>

#include "host_port.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "skald/rocksdb/testing/hooks.h"
#endif

namespace skald::testing {

// The floor is written by the walk's sweeps alone.
inline BarrierOptions WalkedOptions(uint64_t run) {
  return {.name = fmt::format("r{}", run), .floor_step = 1000};
}
inline std::string EffectRow(uint64_t run, bool action, size_t call) {
  return fmt::format("{}/{}/{}", action ? "applied" : "undone", run, call);
}

inline std::optional<BarrierRecord> DecodedRecord(const std::string& row_key,
                                                  const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  auto record = DecodeBarrierRecord(row_key, *value);
  SKALD_CHECK(record.ok(), "{}", record.status().ToString());
  return *std::move(record);
}

template <typename PortType>
class CommitterHarness {
 public:
  using Port = PortType;
  using Core = internal::BarrierCore<Port>;
  static constexpr bool kHandsOver = true;  // a commit is asked for, and happens at Poll

  void SetStore(Store& store) { store_ = &store; }
  void Begin() { ++run_; }
  std::unique_ptr<Core> Open() {
    auto committer = Committer::Open(*store_, {.own_thread = false});
    SKALD_CHECK(committer.ok(), "{}", committer.status().ToString());
    committer_ = *std::move(committer);
    auto core = std::make_unique<Core>(Port(*committer_), WalkedOptions(run_));
    SKALD_CHECK(core->LoadFloors().ok(), "run {}", run_);
    return core;
  }
  void Close(std::unique_ptr<Core>& core) {
    committer_.reset();
    core.reset();
  }
  void Poll() { committer_->PollOnce(); }
  void WriteEffect(Transaction& rows, bool action, size_t call) {
    rows.Put(EffectRow(run_, action, call), "1");
  }
  size_t Effects(bool action, size_t calls) {
    size_t effects = 0;
    for (size_t i = 0; i < calls; ++i) effects += Row(EffectRow(run_, action, i)).has_value();
    return effects;
  }
  std::optional<BarrierRecord> RecordOf(const EffectKey& key) {
    const std::string row_key = BarrierRowKey(WalkedOptions(run_).name, key);
    return DecodedRecord(row_key, Row(row_key));
  }
  // As the next call will read it.
  uint64_t RowVersion(const EffectKey& key) {
    auto row = committer_->Get(BarrierRowKey(WalkedOptions(run_).name, key));
    SKALD_CHECK(row.ok(), "{}", row.status().ToString());
    return row->has_value() ? static_cast<uint64_t>((*row)->version) : 0;
  }

 private:
  std::optional<std::string> Row(const std::string& key) {
    auto row = store_->Get(Space::kRows, key);
    SKALD_CHECK(row.ok(), "{}", row.status().ToString());
    if (!row->has_value()) return std::nullopt;
    return (*row)->value;
  }

  Store* store_ = nullptr;
  uint64_t run_ = 0;
  std::unique_ptr<Committer> committer_;
};

template <typename Port>
class MemoryHarnessOver : public CommitterHarness<Port> {
 public:
  MemoryHarnessOver() { this->SetStore(memory_); }

 private:
  MemoryStore memory_;
};
using MemoryHarness = MemoryHarnessOver<internal::CommitterPort>;

// Reads beside the transaction, so that nothing it has read is required to be unchanged.
class WithoutRequirePort : public internal::CommitterPort {
 public:
  class Rows {
   public:
    Rows(Committer& committer) : committer_(&committer), rows_(committer.Begin()) {}
    absl::StatusOr<std::optional<std::string>> Get(std::string_view key) {
      return committer_->Begin().Get(key);
    }
    void Put(std::string_view key, std::string_view value) { rows_.Put(key, value); }
    void DiscardWrites() { rows_.DiscardWrites(); }
    absl::Status status() const { return rows_.status(); }
    absl::Status Commit() && { return std::move(rows_).Commit(); }
    absl::Status CommitThen(CommitCallback done) && {
      return std::move(rows_).CommitThen(std::move(done));
    }
    Transaction& rows() { return rows_; }

   private:
    Committer* committer_;
    Transaction rows_;
  };

  explicit WithoutRequirePort(Committer& committer)
      : CommitterPort(committer), committer_(&committer) {}
  Rows Begin(const EffectKey&) { return {*committer_}; }
  static Transaction& ForUser(Rows& rows) { return rows.rows(); }

 private:
  Committer* committer_;
};
using WithoutRequireHarness = MemoryHarnessOver<WithoutRequirePort>;

#if defined(SKALD_WALK_ROCKSDB)

class WalkedDirectory {
 public:
  WalkedDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skald-walk-XXXXXX").string();
    SKALD_CHECK(mkdtemp(pattern.data()) != nullptr, "no directory {}", pattern);
    path_ = pattern;
  }
  ~WalkedDirectory() { std::filesystem::remove_all(path_); }
  std::string database() const { return (path_ / "db").string(); }

 private:
  std::filesystem::path path_;
};

// Every run drops a range, and a memtable with many dropped ranges is slow to read.
constexpr uint64_t kRunsPerDatabase = 256;

// Syncs are counted, not passed on, so that a walk takes seconds.
class RocksDbHarness : public CommitterHarness<internal::CommitterPort> {
 public:
  void Begin() {
    if (begun_++ % kRunsPerDatabase == 0) {
      own_.reset();
      auto opened = OpenRocksDbStoreForTest(directory_.database() + std::to_string(begun_), {},
                                            {.file_system = FaultFileSystem::Make()});
      SKALD_CHECK(opened.ok(), "{}", opened.status().ToString());
      own_ = *std::move(opened);
      SetStore(*own_);
    }
    CommitterHarness::Begin();
  }

 private:
  WalkedDirectory directory_;
  std::unique_ptr<Store> own_;
  uint64_t begun_ = 0;
};

template <typename PortType>
class HostHarnessOver {
 public:
  using Port = PortType;
  using Core = internal::BarrierCore<Port>;
  static constexpr bool kHandsOver = false;

  void Begin() {
    if (run_++ % kRunsPerDatabase == 0) OpenDatabase();
  }
  std::unique_ptr<Core> Open() {
    auto core = std::make_unique<Core>(Port(*db_, db_->DefaultColumnFamily()), WalkedOptions(run_));
    SKALD_CHECK(core->LoadFloors().ok(), "run {}", run_);
    return core;
  }
  void Close(std::unique_ptr<Core>& core) { core.reset(); }
  void Poll() {}
  void WriteEffect(internal::HostWrites& writes, bool action, size_t call) {
    SKALD_CHECK(writes.batch->Put(EffectRow(run_, action, call), "1").ok(), "run {}", run_);
  }
  size_t Effects(bool action, size_t calls) {
    size_t effects = 0;
    for (size_t i = 0; i < calls; ++i) effects += Row(EffectRow(run_, action, i)).has_value();
    return effects;
  }
  std::optional<BarrierRecord> RecordOf(const EffectKey& key) {
    const std::string row_key = BarrierRowKey(WalkedOptions(run_).name, key);
    return DecodedRecord(row_key, Row(row_key));
  }
  uint64_t RowVersion(const EffectKey&) const { return writes_; }
  absl::Status Commit(typename Port::Rows rows) {
    const bool writes = rows.batch().Count() > 0;
    const absl::Status status = std::move(rows).Commit();
    writes_ += writes && status.ok();
    return status;
  }

 private:
  std::optional<std::string> Row(const std::string& key) {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
    SKALD_CHECK(status.ok() || status.IsNotFound(), "{}", status.ToString());
    if (status.IsNotFound()) return std::nullopt;
    return value;
  }

  void OpenDatabase() {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = env_.get();
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened =
        rocksdb::DB::Open(options, directory_.database() + std::to_string(run_), &db);
    SKALD_CHECK(opened.ok(), "{}", opened.ToString());
    db_.reset(db);
  }

  WalkedDirectory directory_;
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(FaultFileSystem::Make());
  std::unique_ptr<rocksdb::DB> db_;
  uint64_t run_ = 0, writes_ = 0;
};
using HostHarness = HostHarnessOver<rocks::HostPort>;

// Writes whatever has been written meanwhile.
class WithoutGatePort : public rocks::HostPort {
 public:
  class Rows : public rocks::HostRows {
   public:
    Rows(rocksdb::DB& db, rocks::HostRows rows) : HostRows(std::move(rows)), db_(&db) {}
    absl::Status Commit() && {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      return db_->Write(synced, &batch()).ok() ? absl::OkStatus() : absl::UnavailableError("no");
    }

   private:
    rocksdb::DB* db_;
  };

  WithoutGatePort(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family)
      : HostPort(db, family), db_(&db) {}
  Rows Begin(const EffectKey& key) { return {*db_, HostPort::Begin(key)}; }

 private:
  rocksdb::DB* db_;
};
using WithoutGateHarness = HostHarnessOver<WithoutGatePort>;

#endif

}  // namespace skald::testing
