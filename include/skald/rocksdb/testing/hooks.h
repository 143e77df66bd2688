// For tests of the RocksDB store alone: another file system beneath it, small buffers, and planted
// bugs that prove that the tests would notice them. Not installed behind any option of
// RocksDbOptions.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/file_system.h"
#include "skald/base/export.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

struct RocksDbTestHooks {
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the machine's
  // Bytes of each write buffer; 0: by RocksDbOptions::memory_bytes. Small ones make flushes and
  // compactions part of a short test.
  size_t write_buffer_bytes = 0;
  // Bytes of the rows that are found without asking RocksDB; 0: by RocksDbOptions::memory_bytes.
  // Few make their coming and going part of a short test.
  size_t row_cache_bytes = 0;
  // Planted bug: commits are not synced.
  bool sync_off = false;
  // Planted bug: a commit answers OK at once and is written at the next call of Commit.
  bool ack_before_commit = false;
};

SKALD_EXPORT absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStoreForTest(std::string path,
                                                                            RocksDbOptions options,
                                                                            RocksDbTestHooks hooks);

}  // namespace skald::inline v1
