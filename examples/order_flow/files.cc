#include "files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "skald/base/status.h"

namespace order_flow {
namespace {

constexpr size_t kSmallFileBytesMax = size_t{1} << 20;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t wrote = write(fd, content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return SystemError(errno, "writing", path);
    content.remove_prefix(static_cast<size_t>(wrote));
  }
  return absl::OkStatus();
}

absl::Status WriteWhole(const std::string& path, int flags, std::string_view content, bool sync) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644);
  if (fd < 0) return SystemError(errno, "opening", path);
  const File file(fd);
  SKALD_RETURN_IF_ERROR(WriteAll(fd, content, path));
  if (sync && fsync(fd) != 0) return SystemError(errno, "syncing", path);
  return absl::OkStatus();
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string directory = parent.empty() ? "." : parent;
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(errno, "opening", directory);
  const File file(fd);
  if (fsync(fd) != 0) return SystemError(errno, "syncing", directory);
  return absl::OkStatus();
}

bool IsRegularOrAbsent(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
}

}  // namespace

absl::Status SystemError(int error, std::string_view doing, const std::string& path) {
  const std::string text = fmt::format("{} '{}': {}", doing, path, std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    case EISDIR:
    case ENOTDIR:
      return absl::FailedPreconditionError(text);
    default:
      return absl::UnavailableError(text);
  }
}

absl::Status ReplaceFile(const std::string& path, std::string_view content) {
  if (!IsRegularOrAbsent(path)) return WriteWhole(path, 0, content, /*sync=*/false);
  const std::string fresh = path + ".tmp";
  absl::Status written = WriteWhole(fresh, O_CREAT | O_TRUNC, content, /*sync=*/true);
  if (!written.ok()) {
    unlink(fresh.c_str());
    return written;
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(fresh.c_str());
    return SystemError(error, "replacing", path);
  }
  return SyncDirectoryOf(path);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(errno, "opening", path);
  const File file(fd);
  std::string content(kSmallFileBytesMax + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(fd, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(errno, "reading", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kSmallFileBytesMax) {
    return absl::OutOfRangeError(fmt::format("'{}' is larger than such a file can be", path));
  }
  content.resize(size);
  return content;
}

}  // namespace order_flow
