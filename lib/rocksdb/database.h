// A RocksDB with the column families of a store, and nothing of what the store does with them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "background_pace.h"
#include "files.h"
#include "meta_rows.h"
#include "rocksdb/db.h"
#include "rocksdb/listener.h"
#include "rocksdb/options.h"
#include "rocksdb/wal_filter.h"
#include "row_cache.h"
#include "skald/store/store.h"

namespace skald::inline v1::rocks {

struct DatabaseConfig {
  FileSystemPtr fs;
  std::string path;
  size_t memory_bytes = 0;
  size_t write_buffer_bytes = 0;  // 0: by memory_bytes
  size_t row_cache_bytes = 0;     // 0: by memory_bytes
  int open_files_max = 512;
  int background_threads = 1;
  std::shared_ptr<rocksdb::EventListener> listener;
  std::shared_ptr<rocksdb::Logger> logger;  // null: RocksDB says nothing
};

class Database {
 public:
  enum class Mode { kCreate, kReadWrite, kReadOnly };

  // `filter`, when given, sees every record of the write-ahead log that is replayed.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const DatabaseConfig& config, Mode mode,
                                                        rocksdb::WalFilter* filter = nullptr);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() { return families_[0]; }
  rocksdb::ColumnFamilyHandle* in(Space space) { return families_[space == Space::kRows ? 1 : 2]; }
  // Of Space::kRows. Whoever writes such rows tells it of them.
  RowCache& row_cache() { return row_cache_; }
  // Whoever writes tells it how much.
  BackgroundPace& background_pace() { return *background_pace_; }

  // Makes all that is readable durable, in files of their own and not only in the write-ahead log.
  absl::Status FlushAll();

  // Of the family that has the most of them; kLevel0Most where RocksDB does not say.
  // COST: a lock of RocksDB's for each family.
  int FilesAtLevel0();

  // RETURNS: nullopt when the row is not there.
  absl::StatusOr<std::optional<std::string>> GetMeta(std::string_view key);
  // The last ordinal that is readable; 0: none.
  absl::StatusOr<uint64_t> ReadOrdinal();

  struct Writer {
    uint16_t number = 0;
    std::string name;
    WriterState state;
  };
  // Ascending by number, without gaps from 1.
  absl::StatusOr<std::vector<Writer>> ReadWriters();

 private:
  explicit Database(size_t row_cache_bytes) : row_cache_(row_cache_bytes) {}

  RowCache row_cache_;
  const std::shared_ptr<BackgroundPace> background_pace_ = BackgroundPace::OfThisProcess();
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

// Whether `path` holds a database at all.
absl::StatusOr<bool> DatabaseExists(const FileSystemPtr& fs, const std::string& path);

inline rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace skald::inline v1::rocks
