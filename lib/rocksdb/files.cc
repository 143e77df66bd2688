#include "files.h"

#include <fmt/core.h>

#include <array>

#include "rocks_status.h"
#include "skald/base/status.h"

namespace skald::inline v1::rocks {
namespace {
constexpr size_t kSmallFileMax = 64 * 1024;
}  // namespace

absl::StatusOr<std::optional<std::string>> ReadSmallFile(const FileSystemPtr& fs,
                                                         const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  const rocksdb::IOStatus opened = fs->NewSequentialFile(path, {}, &file, nullptr);
  if (opened.IsNotFound() || opened.IsPathNotFound()) return std::nullopt;
  SKALD_RETURN_IF_ERROR(FromRocks(opened, fmt::format("opening '{}'", path)));
  std::string bytes;
  std::array<char, 4096> scratch;
  while (bytes.size() <= kSmallFileMax) {
    rocksdb::Slice part;
    const rocksdb::IOStatus read = file->Read(scratch.size(), {}, &part, scratch.data(), nullptr);
    SKALD_RETURN_IF_ERROR(FromRocks(read, fmt::format("reading '{}'", path)));
    if (part.empty()) return bytes;
    bytes.append(part.data(), part.size());
  }
  return absl::DataLossError(fmt::format("'{}' is larger than {} bytes", path, kSmallFileMax));
}

absl::Status SyncDirectory(const FileSystemPtr& fs, const std::string& directory) {
  std::unique_ptr<rocksdb::FSDirectory> handle;
  rocksdb::IOStatus status = fs->NewDirectory(directory, {}, &handle, nullptr);
  if (status.ok()) status = handle->Fsync({}, nullptr);
  return FromRocks(status, fmt::format("syncing the directory '{}'", directory));
}

absl::Status ReplaceFile(const FileSystemPtr& fs, const std::string& directory,
                         std::string_view name, std::string_view bytes) {
  const std::string final_path = fmt::format("{}/{}", directory, name);
  const std::string temporary = final_path + ".tmp";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = fs->NewWritableFile(temporary, {}, &file, nullptr);
  if (status.ok()) status = file->Append({bytes.data(), bytes.size()}, {}, nullptr);
  if (status.ok()) status = file->Fsync({}, nullptr);
  if (status.ok()) status = file->Close({}, nullptr);
  if (status.ok()) status = fs->RenameFile(temporary, final_path, {}, nullptr);
  SKALD_RETURN_IF_ERROR(FromRocks(status, fmt::format("writing '{}'", final_path)));
  return SyncDirectory(fs, directory);
}

}  // namespace skald::inline v1::rocks
