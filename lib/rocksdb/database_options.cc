#include "database_options.h"

#include <algorithm>
#include <utility>

#include "hashed_memtable.h"
#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/memtablerep.h"
#include "rocksdb/table.h"

namespace skald::inline v1::rocks {
namespace {

constexpr size_t kMemoryMin = size_t{16} << 20;
constexpr size_t kMiB = size_t{1} << 20;
// The index and the filter of a table file are a block of the cache each, of up to a megabyte. In
// the many small shards that a cache is made of by default two of them drive each other out, and
// every read of a row fetches both from the file again.
constexpr size_t kCacheShardMin = 32 * kMiB;
constexpr int kCacheShardBitsMax = 6;
// Rows are mostly read again while those that belong to them are written, within a second; what is
// larger than the processor's own caches is slower to look into.
constexpr size_t kRowCacheMax = 4 * kMiB;
constexpr size_t kRowCachePart = 32;
// One that fills, one that is flushed, and one in hand so that a slow flush does not stop the
// writer.
constexpr int kWriteBuffers = 3;

size_t Memory(const DatabaseConfig& config) {
  return std::max(config.memory_bytes, kMemoryMin);
}

// What rows and log write between them from one flush to the next; all buffers take three quarters
// of the memory, but for the row cache. Who coordinates sagas writes six bytes of log for one of
// rows and who runs a barrier only rows, so neither has a share of its own.
size_t WriteBufferBytes(const DatabaseConfig& config) {
  if (config.write_buffer_bytes != 0) return config.write_buffer_bytes;
  return (Memory(config) * 3 / 4 - RowCacheBytes(config)) / kWriteBuffers;
}

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::ColumnFamilyOptions CommonFamily(const DatabaseConfig& config) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = WriteBufferBytes(config);
  options.max_write_buffer_number = kWriteBuffers;
  // A block of the arena is given back with its buffer; large ones save calls of malloc for the
  // records of a large group.
  options.arena_block_size = std::min(options.write_buffer_size / 8, 2 * kMiB);
  options.level0_file_num_compaction_trigger = kLevel0Trigger;
  options.level0_slowdown_writes_trigger = kLevel0Most;
  options.level0_stop_writes_trigger = 2 * kLevel0Most;
  options.target_file_size_base = 64 * kMiB;
  options.compression_per_level = {};
  options.compression = rocksdb::kNoCompression;
  options.paranoid_file_checks = false;  // every block carries its checksum, which reads verify
  return options;
}

rocksdb::ColumnFamilyOptions MetaFamily(const DatabaseConfig& config) {
  rocksdb::ColumnFamilyOptions options = CommonFamily(config);
  options.memtable_factory = std::make_shared<rocksdb::SkipListFactory>();
  return options;
}

rocksdb::ColumnFamilyOptions RowsFamily(const DatabaseConfig& config,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = CommonFamily(config);
  options.memtable_factory = HashedMemtable();
  options.memtable_prefix_bloom_size_ratio = 0.01;
  options.memtable_whole_key_filtering = true;
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                                   rocksdb::kLZ4Compression};
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.block_cache = cache;
  // Counted by the cache, and never driven out: each start looks for its key in the filters of all
  // files, and to look one up in the cache costs as much as to ask it.
  table.cache_index_and_filter_blocks = true;
  table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Appended under growing keys, read by recovery alone, dropped from the front: no order while in
// memory, no filter, large blocks.
rocksdb::ColumnFamilyOptions LogFamily(const DatabaseConfig& config,
                                       const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = CommonFamily(config);
  options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 32 * 1024;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::shared_ptr<rocksdb::Cache> MakeCache(size_t bytes) {
  int shard_bits = 0;
  while (shard_bits < kCacheShardBitsMax && bytes >> (shard_bits + 1) >= kCacheShardMin) {
    ++shard_bits;
  }
  return rocksdb::NewLRUCache(bytes, shard_bits);
}

void SetLimits(const DatabaseConfig& config, rocksdb::DBOptions& options) {
  options.max_open_files = config.open_files_max;
  options.max_file_opening_threads = 1;  // sixteen by default, made anew for every opening
  options.max_background_flushes = config.background_threads;
  options.max_background_compactions = config.background_threads;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
}

}  // namespace

size_t RowCacheBytes(const DatabaseConfig& config) {
  if (config.row_cache_bytes != 0) return config.row_cache_bytes;
  return std::min(Memory(config) / kRowCachePart, kRowCacheMax);
}

rocksdb::DBOptions MakeDbOptions(const DatabaseConfig& config, Database::Mode mode,
                                 rocksdb::Env* env, rocksdb::WalFilter* filter,
                                 std::shared_ptr<BackgroundPace> background_pace) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = mode == Database::Mode::kCreate;
  options.create_missing_column_families = options.create_if_missing;
  options.paranoid_checks = true;
  // What recovery may conclude is decided by the mark and the ordinals, not by RocksDB alone.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_flush_during_recovery = true;
  options.wal_filter = filter;
  options.recycle_log_file_num = 0;
  options.wal_bytes_per_sync = 0;
  options.bytes_per_sync = kMiB;  // of table files: the flush's own sync finds little left
  options.rate_limiter = std::move(background_pace);
  // One flush writes all families at one point of the log: the ordinal that is in files then
  // speaks for rows and log alike.
  options.atomic_flush = true;
  // Counts rows and log together. While one flush is on its way the next buffers may grow beyond it
  // until one family alone has as much.
  options.max_total_wal_size = WriteBufferBytes(config);
  // There is one writer at a time, and the vector memtable takes no more.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  // After an error the store decides: it closes, reopens and compares.
  options.max_bgerror_resume_count = 0;
  SetLimits(config, options);
  if (config.listener != nullptr) options.listeners.push_back(config.listener);
  // Never RocksDB's own log file: on a full disk its second line aborts the process where RocksDB
  // is built with assertions, as Debian's is.
  options.info_log = config.logger;
  if (options.info_log == nullptr) options.info_log = std::make_shared<SilentLogger>();
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const DatabaseConfig& config) {
  const std::shared_ptr<rocksdb::Cache> cache = MakeCache(Memory(config) / 4);
  return {{rocksdb::kDefaultColumnFamilyName, MetaFamily(config)},
          {"rows", RowsFamily(config, cache)},
          {"log", LogFamily(config, cache)}};
}

}  // namespace skald::inline v1::rocks
