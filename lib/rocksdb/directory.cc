#include "directory.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <vector>

#include "rocks_status.h"
#include "skald/base/crc32c.h"
#include "skald/base/status.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald::inline v1::rocks {
namespace {

constexpr std::string_view kFirstLine = "skald store on rocksdb\n";

struct NetworkFileSystem {
  uint32_t magic;
  std::string_view name;
};
// From linux/magic.h and the file systems' own sources.
constexpr std::array<NetworkFileSystem, 12> kNetworkFileSystems = {{
    {0x00006969, "NFS"},
    {0x0000517B, "SMB"},
    {0xFE534D42, "SMB2"},
    {0xFF534D42, "CIFS"},
    {0x65735546, "FUSE"},
    {0x5346414F, "AFS"},
    {0x73757245, "Coda"},
    {0x00C36400, "Ceph"},
    {0x01021997, "9P"},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x7461636F, "OCFS2"},
}};

std::string ErrnoText(int error) {
  return std::error_code(error, std::generic_category()).message();
}

absl::Status CheckNotNetwork(const std::string& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) != 0) return absl::OkStatus();  // the next step says why
  const std::string_view name = NetworkFileSystemName(static_cast<uint32_t>(info.f_type));
  if (name.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "opening the store '{}': it is on a network file system ({}), which may acknowledge a sync "
      "that did not happen. Use a local disk, or set allow_network_file_system for data that may "
      "be lost",
      path, name));
}

absl::Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return absl::OkStatus();
  const int error = errno;
  const std::string message =
      fmt::format("creating the store's directory '{}': {}", path, ErrnoText(error));
  if (error == ENOENT) {
    return absl::FailedPreconditionError(message + ". Create the directory above it first");
  }
  if (error == ENOTDIR) return absl::FailedPreconditionError(message);
  if (error == ENOSPC) return absl::ResourceExhaustedError(message);
  return absl::PermissionDeniedError(message);
}

absl::Status CheckPath(const std::string& path, const DirectoryOptions& options) {
  struct stat info{};
  if (path.empty()) return absl::FailedPreconditionError("opening a store: its path is empty");
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT || !options.create_if_missing) {
      return absl::FailedPreconditionError(
          fmt::format("opening the store '{}': {}", path, ErrnoText(errno)));
    }
    SKALD_RETURN_IF_ERROR(MakeDirectory(path));
  } else if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(fmt::format(
        "opening the store '{}': that is a file; a store is a directory. Name another path", path));
  }
  const std::string format = fmt::format("{}/{}", path, kFormatFile);
  if (!options.create_if_missing && ::access(format.c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("opening the store '{}': there is none; its file FORMAT is missing", path));
  }
  if (!options.allow_network_file_system) SKALD_RETURN_IF_ERROR(CheckNotNetwork(path));
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(
        fmt::format("opening the store '{}': {}. This process must be able to read and write it",
                    path, ErrnoText(errno)));
  }
  return absl::OkStatus();
}

// What may lie in a directory whose store was not finished, or that a file system puts there.
bool MayPrecedeFormat(const std::string& name) {
  return name == "." || name == ".." || name == kLockFile || name == "FORMAT.tmp" ||
         name == "lost+found";
}

absl::Status CheckEmpty(const FileSystemPtr& fs, const std::string& path) {
  std::vector<std::string> names;
  SKALD_RETURN_IF_ERROR(
      FromRocks(fs->GetChildren(path, {}, &names, nullptr), fmt::format("listing '{}'", path)));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (MayPrecedeFormat(name)) continue;
    return absl::FailedPreconditionError(fmt::format(
        "opening the store '{}': it holds no skald store but other things, such as '{}'. Name an "
        "empty directory, or restore the file FORMAT if it was lost",
        path, name));
  }
  return absl::OkStatus();
}

template <typename Number>
bool ParseNumber(std::string_view text, int base, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Cuts "<name> <value>\n" from the front of `text`.
std::string_view TakeLine(std::string_view& text, std::string_view name) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(name)) return {};
  std::string_view value = text.substr(name.size(), end - name.size());
  if (!value.starts_with(' ')) return {};
  text.remove_prefix(end + 1);
  return value.substr(1);
}

}  // namespace

std::string_view NetworkFileSystemName(uint32_t magic) {
  for (const NetworkFileSystem& known : kNetworkFileSystems) {
    if (known.magic == magic) return known.name;
  }
  return "";
}

std::string EncodeFormat(uint32_t format, StoreId id) {
  std::string text =
      fmt::format("{}format {}\nstore {:016x}\n", kFirstLine, format, static_cast<uint64_t>(id));
  text += fmt::format("crc32c {:08x}\n", Crc32c(text));
  return text;
}

absl::StatusOr<Format> DecodeFormat(std::string_view text) {
  if (!text.starts_with(kFirstLine)) {
    return absl::FailedPreconditionError("the file FORMAT is not that of a skald store");
  }
  std::string_view rest = text.substr(kFirstLine.size());
  Format format;
  const bool numbered = ParseNumber(TakeLine(rest, "format"), 10, format.version);
  if (numbered && format.version > kRocksDbFormat) {
    return absl::FailedPreconditionError(
        fmt::format("the store has format {}, this build of skald reads up to {}. Use the newer "
                    "build that wrote it",
                    format.version, kRocksDbFormat));
  }
  uint64_t id = 0;
  const bool identified = ParseNumber(TakeLine(rest, "store"), 16, id);
  const size_t covered = text.size() - rest.size();
  uint32_t crc = 0;
  const bool summed = ParseNumber(TakeLine(rest, "crc32c"), 16, crc);
  if (!numbered || !identified || !summed || !rest.empty() || format.version == 0 ||
      crc != Crc32c(text.substr(0, covered))) {
    return absl::DataLossError("the file FORMAT is damaged. Restore it from a backup");
  }
  format.id = static_cast<StoreId>(id);
  return format;
}

std::string LockHolder(const std::string& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return "";
  const std::string inode =
      fmt::format("{:02x}:{:02x}:{}", major(info.st_dev), minor(info.st_dev), info.st_ino);
  // "1: POSIX  ADVISORY  WRITE 3548 fd:00:1313 0 EOF"; opening the file itself to ask would drop a
  // lock that this process holds on it.
  std::ifstream locks("/proc/locks");
  std::string number, kind, mode, access, pid, where, rest;
  while (locks >> number >> kind >> mode >> access >> pid >> where && std::getline(locks, rest)) {
    if (where != inode || pid == "0" || pid == "-1") continue;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::string name;
    std::getline(comm, name);
    return fmt::format("process {} ({})", pid, name.empty() ? "name unknown" : name);
  }
  return "";
}

absl::StatusOr<std::unique_ptr<Directory>> Directory::Open(const FileSystemPtr& fs,
                                                           const std::string& path,
                                                           const DirectoryOptions& options) {
  SKALD_RETURN_IF_ERROR(CheckPath(path, options));
  std::unique_ptr<Directory> directory(new Directory(fs, path));
  SKALD_RETURN_IF_ERROR(directory->Lock());
  SKALD_RETURN_IF_ERROR(directory->ReadFormat(options));
  return directory;
}

Directory::~Directory() {
  if (lock_ != nullptr) fs_->UnlockFile(lock_, {}, nullptr).PermitUncheckedError();
}

std::string Directory::mark_path() const {
  return fmt::format("{}/{}", path_, kMarkFile);
}
std::string Directory::database_path() const {
  return fmt::format("{}/{}", path_, kDatabaseDirectory);
}

absl::Status Directory::Lock() {
  const std::string file = fmt::format("{}/{}", path_, kLockFile);
  const rocksdb::IOStatus status = fs_->LockFile(file, {}, &lock_, nullptr);
  if (status.ok()) return absl::OkStatus();
  lock_ = nullptr;
  absl::Status other = FromRocks(status, fmt::format("locking '{}'", file));
  if (other.code() != absl::StatusCode::kUnavailable) return other;
  if (status.ToString().find("current process") != std::string::npos) {
    return absl::UnavailableError(fmt::format(
        "opening the store '{}': this process ({}) holds it already. Close that store first, or "
        "share it",
        path_, ::getpid()));
  }
  const std::string holder = LockHolder(file);
  return absl::UnavailableError(fmt::format(
      "opening the store '{}': {} holds it (file '{}'). Wait until it ends, or end it; two "
      "processes never share a store",
      path_, holder.empty() ? "another process, not visible from here," : holder, file));
}

absl::Status Directory::ReadFormat(const DirectoryOptions& options) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                         ReadSmallFile(fs_, fmt::format("{}/{}", path_, kFormatFile)));
  if (!text) {
    SKALD_RETURN_IF_ERROR(CheckEmpty(fs_, path_));
    format_ = kRocksDbFormat;
    store_id_ = static_cast<StoreId>(options.random->Next() | 1);
    return ReplaceFile(fs_, path_, kFormatFile, EncodeFormat(format_, store_id_));
  }
  absl::StatusOr<Format> format = DecodeFormat(*text);
  if (!format.ok()) {
    return Annotate(format.status(), fmt::format("opening the store '{}'", path_));
  }
  format_ = format->version;
  store_id_ = format->id;
  return absl::OkStatus();
}

}  // namespace skald::inline v1::rocks
