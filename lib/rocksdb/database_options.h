// How RocksDB is set up, and why.
#pragma once

#include <memory>
#include <vector>

#include "background_pace.h"
#include "database.h"

namespace skald::inline v1::rocks {

rocksdb::DBOptions MakeDbOptions(const DatabaseConfig& config, Database::Mode mode,
                                 rocksdb::Env* env, rocksdb::WalFilter* filter,
                                 std::shared_ptr<BackgroundPace> background_pace);

// What Database::row_cache() may hold.
size_t RowCacheBytes(const DatabaseConfig& config);

// In the order of Database's handles: default (the store's own rows), rows, log.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const DatabaseConfig& config);

}  // namespace skald::inline v1::rocks
