#include "input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace order_flow {
namespace {

// zlib reads plain files as they are, so one class serves both.
class ZlibSource final : public ByteSource {
 public:
  ZlibSource(gzFile file, std::string name) : file_(file), name_(std::move(name)) {}
  ~ZlibSource() override { gzclose_r(file_); }

  absl::StatusOr<size_t> Read(std::span<char> into) override {
    const auto size = static_cast<unsigned>(std::min<size_t>(into.size(), 1U << 30));
    const int got = gzread(file_, into.data(), size);
    if (got > 0) return static_cast<size_t>(got);
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (got == 0 && code == Z_OK) return size_t{0};
    if (code == Z_ERRNO) {
      return absl::DataLossError(fmt::format("reading {}: {}", name_, std::strerror(errno)));
    }
    if (code == Z_BUF_ERROR) {
      return absl::DataLossError(
          fmt::format("reading {}: the gzip data is truncated; fetch the file again", name_));
    }
    // zlib knows the file by its descriptor alone: "<fd:3>: incorrect data check".
    const std::string_view said = text;
    const size_t name_end = said.find(">: ");
    return absl::DataLossError(
        fmt::format("reading {}: the gzip data is damaged ({}); fetch the file again", name_,
                    name_end == said.npos ? said : said.substr(name_end + 3)));
  }

 private:
  gzFile file_;
  std::string name_;
};

absl::Status CannotOpen(const std::string& path, int error) {
  const std::string text = fmt::format("opening '{}': {}", path, std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(const std::string& path) {
  const bool is_stdin = path == "-";
  const int fd = is_stdin ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotOpen(path, errno);
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    close(fd);
    return absl::FailedPreconditionError(
        fmt::format("'{}' is a directory; name a .csv or .csv.gz file", path));
  }
  const gzFile file = gzdopen(fd, "rb");
  if (file == nullptr) {
    close(fd);
    return absl::ResourceExhaustedError(fmt::format("opening '{}': out of memory", path));
  }
  gzbuffer(file, 1U << 17);
  return std::make_unique<ZlibSource>(file, is_stdin ? "stdin" : fmt::format("'{}'", path));
}

absl::StatusOr<size_t> TextSource::Read(std::span<char> into) {
  const size_t size = std::min({into.size(), chunk_, text_.size() - at_});
  std::memcpy(into.data(), text_.data() + at_, size);
  at_ += size;
  return size;
}

}  // namespace order_flow
