// The directory of a store: who may use it, what is in it, in which format.
//
//   <path>/FORMAT   what this is, format version, store id; written once, before all else
//   <path>/LOCK     held by the process that has the store open
//   <path>/MARK     the highest ordinal acknowledged (mark.h)
//   <path>/rocksdb  the database
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "files.h"
#include "skald/base/ids.h"
#include "skald/base/random.h"

namespace skald::inline v1::rocks {

inline constexpr std::string_view kFormatFile = "FORMAT";
inline constexpr std::string_view kLockFile = "LOCK";
inline constexpr std::string_view kMarkFile = "MARK";
inline constexpr std::string_view kDatabaseDirectory = "rocksdb";

struct DirectoryOptions {
  bool create_if_missing = true;
  bool allow_network_file_system = false;
  Random* random = nullptr;
};

// Holds the lock of a store's directory while it lives.
class Directory {
 public:
  // Checks, locks and reads the directory; makes it into an empty store where that is asked for.
  static absl::StatusOr<std::unique_ptr<Directory>> Open(const FileSystemPtr& fs,
                                                         const std::string& path,
                                                         const DirectoryOptions& options);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const FileSystemPtr& fs() const { return fs_; }
  const std::string& path() const { return path_; }
  std::string mark_path() const;
  std::string database_path() const;
  StoreId store_id() const { return store_id_; }
  uint32_t format() const { return format_; }

 private:
  Directory(FileSystemPtr fs, std::string path) : fs_(std::move(fs)), path_(std::move(path)) {}
  absl::Status Lock();
  absl::Status ReadFormat(const DirectoryOptions& options);

  const FileSystemPtr fs_;
  const std::string path_;
  rocksdb::FileLock* lock_ = nullptr;
  StoreId store_id_{};
  uint32_t format_ = 0;
};

// The text of a FORMAT file.
std::string EncodeFormat(uint32_t format, StoreId id);
struct Format {
  uint32_t version = 0;
  StoreId id{};
};
// RETURNS: FailedPrecondition  a newer format, or not of this kind
//          DataLoss            damaged
absl::StatusOr<Format> DecodeFormat(std::string_view text);

// The name of the network file system with this number (statfs, f_type); empty: it is none.
std::string_view NetworkFileSystemName(uint32_t magic);

// "process 1234 (order_flow)" for the holder of the lock on `file`; empty when it cannot be seen.
std::string LockHolder(const std::string& file);

}  // namespace skald::inline v1::rocks
