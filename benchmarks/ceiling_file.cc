#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "ceilings.h"
#include "fmt/format.h"
#include "group_loop.h"

namespace skald::bench {
namespace {

// Appends to one file whose blocks are reserved ahead, as RocksDB does for its log; a full one
// gives way to the next, so that a long run does not fill the disk.
class Segments {
 public:
  explicit Segments(std::string dir) : dir_(std::move(dir)) { Roll(); }
  ~Segments() { close(file_); }
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  void Append(std::string_view bytes) {
    if (written_ > kSegmentBytes) Roll();
    if (write(file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        fdatasync(file_) != 0) {
      Die(fmt::format("cannot append to {}", path_));
    }
    written_ += bytes.size();
  }

 private:
  static constexpr size_t kSegmentBytes = size_t{256} << 20;

  void Roll() {
    if (file_ >= 0) {
      close(file_);
      unlink(path_.c_str());
    }
    path_ = fmt::format("{}/{}", dir_, ++number_);
    file_ = open(path_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) Die(fmt::format("cannot open {}", path_));
    // Only saves work: a file system that cannot do it is as good.
    (void)fallocate(file_, FALLOC_FL_KEEP_SIZE, 0, kSegmentBytes);
    written_ = 0;
  }

  std::string dir_;
  std::string path_;
  int file_ = -1;
  int number_ = 0;
  size_t written_ = 0;
};

}  // namespace

Measured RunCeilingFile(const RunOptions& options) {
  const ScratchDir dir(options.dir, "file");
  Segments segments(dir.path());
  std::string bytes;
  return DriveGroups(options, [&](std::span<const Fact> group) {
    bytes.clear();
    for (const Fact& fact : group) {
      AppendHeader(bytes, fact, 0);
      bytes.append(fact.payload);
    }
    segments.Append(bytes);
  });
}

}  // namespace skald::bench
