// Small files beside the database, through RocksDB's FileSystem so that faults reach them too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/file_system.h"

namespace skald::inline v1::rocks {

using FileSystemPtr = std::shared_ptr<rocksdb::FileSystem>;

// RETURNS: nullopt when there is no such file.
absl::StatusOr<std::optional<std::string>> ReadSmallFile(const FileSystemPtr& fs,
                                                         const std::string& path);

// Writes `bytes` under a temporary name, syncs, renames to `directory`/`name`, syncs the directory:
// after a crash there is the old file or the new one.
absl::Status ReplaceFile(const FileSystemPtr& fs, const std::string& directory,
                         std::string_view name, std::string_view bytes);

// Makes the names in `directory` durable.
absl::Status SyncDirectory(const FileSystemPtr& fs, const std::string& directory);

}  // namespace skald::inline v1::rocks
