#include "raw_database.h"

#include "measure.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald::bench {
namespace {

constexpr size_t kReadaheadBytes = size_t{2} << 20;

uint64_t ReadFamily(rocks::Database& database, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = kReadaheadBytes;
  uint64_t bytes = 0;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, family));
  for (at->SeekToFirst(); at->Valid(); at->Next()) bytes += at->key().size() + at->value().size();
  if (!at->status().ok()) Die(at->status().ToString());
  return bytes;
}

}  // namespace

std::unique_ptr<rocks::Database> OpenReadOnly(const std::string& dir) {
  const RocksDbOptions defaults;
  rocks::DatabaseConfig config;
  config.fs = rocksdb::FileSystem::Default();
  config.path = dir + "/rocksdb";
  config.memory_bytes = defaults.memory_bytes;
  config.open_files_max = defaults.open_files_max;
  config.background_threads = defaults.background_threads;
  auto database = rocks::Database::Open(config, rocks::Database::Mode::kReadOnly);
  if (!database.ok()) Die(database.status().ToString());
  return *std::move(database);
}

uint64_t ReadAll(rocks::Database& database) {
  uint64_t bytes = ReadFamily(database, database.meta());
  for (const Space space : {Space::kRows, Space::kLog}) {
    bytes += ReadFamily(database, database.in(space));
  }
  return bytes;
}

}  // namespace skald::bench
