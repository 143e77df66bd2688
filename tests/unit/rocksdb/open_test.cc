// What cannot be opened says what was being done, to what, and what to do.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "directory.h"
#include "support.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

absl::Status OpenStatus(const std::string& path, RocksDbOptions options = {}) {
  options.memory_bytes = size_t{16} << 20;
  return OpenRocksDbStore(path, options).status();
}

void CheckSays(const absl::Status& status, absl::StatusCode code, std::string_view words) {
  INFO(status.ToString());
  CHECK(status.code() == code);
  CHECK(MessageOf(status).find(words) != std::string::npos);
}

// Another process that holds the lock of a store while this object lives.
class Holder {
 public:
  explicit Holder(const std::string& file) {
    int ready[2] = {};
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(end_) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) Hold(file.c_str(), ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
    ::close(ready[0]);
    ::close(ready[1]);
    ::close(end_[0]);
  }
  ~Holder() {
    ::close(end_[1]);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  pid_t pid() const { return pid_; }

 private:
  // In the child, which has one thread and must not touch what others may have locked.
  [[noreturn]] void Hold(const char* file, int ready) {
    ::close(end_[1]);
    const int fd = ::open(file, O_RDWR | O_CREAT, 0644);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const char answer = ::fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
    char byte = 0;
    if (::write(ready, &answer, 1) == 1) {
      while (::read(end_[0], &byte, 1) > 0) {
      }
    }
    ::_exit(0);
  }

  pid_t pid_ = -1;
  int end_[2] = {};
};

}  // namespace

TEST_CASE("a store that another process holds names that process and the file") {
  const TemporaryDirectory directory;
  MustOpen(directory / "s").reset();
  {
    const Holder holder(directory / "s/LOCK");
    const absl::Status status = OpenStatus(directory / "s");
    CheckSays(status, absl::StatusCode::kUnavailable, fmt::format("process {} (", holder.pid()));
    CheckSays(status, absl::StatusCode::kUnavailable, directory / "s/LOCK");
  }
  CHECK(OpenStatus(directory / "s").ok());
}

TEST_CASE("a store that this process holds already says so, and goes on working") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s");
  CheckSays(OpenStatus(directory / "s"), absl::StatusCode::kUnavailable, "this process");
  const Acquired acquired = MustAcquire(*store);
  MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "k", "v"));
  // The lock is still held: looking for its holder has not dropped it.
  CheckSays(OpenStatus(directory / "s"), absl::StatusCode::kUnavailable, "this process");
}

TEST_CASE("a path that is a file, has no parent or holds other things is refused") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "x";
  CheckSays(OpenStatus(directory / "file"), absl::StatusCode::kFailedPrecondition, "is a file");
  CheckSays(OpenStatus(directory / "file/below"), absl::StatusCode::kFailedPrecondition,
            "Not a directory");
  CheckSays(OpenStatus(directory / "no/parent"), absl::StatusCode::kFailedPrecondition,
            "Create the directory above it");
  CheckSays(OpenStatus(""), absl::StatusCode::kFailedPrecondition, "path is empty");
  fs::create_directory(directory / "photos");
  std::ofstream(directory / "photos/cat.jpg") << "x";
  CheckSays(OpenStatus(directory / "photos"), absl::StatusCode::kFailedPrecondition, "'cat.jpg'");
}

TEST_CASE("a store that is not there is made only when that is wanted") {
  const TemporaryDirectory directory;
  CheckSays(OpenStatus(directory / "s", {.create_if_missing = false}),
            absl::StatusCode::kFailedPrecondition, "No such file");
  CHECK_FALSE(fs::exists(directory / "s"));
  fs::create_directory(directory / "s");
  CheckSays(OpenStatus(directory / "s", {.create_if_missing = false}),
            absl::StatusCode::kFailedPrecondition, "there is none");
  CHECK(fs::is_empty(directory / "s"));
  CHECK(OpenStatus(directory / "s").ok());
}

TEST_CASE("a newer format is refused, a damaged FORMAT too") {
  const TemporaryDirectory directory;
  MustOpen(directory / "s").reset();
  const std::string file = directory / "s/FORMAT";
  std::ofstream(file, std::ios::trunc) << rocks::EncodeFormat(7, static_cast<StoreId>(1));
  CheckSays(OpenStatus(directory / "s"), absl::StatusCode::kFailedPrecondition,
            "has format 7, this build of skald reads up to 1");
  std::ofstream(file, std::ios::trunc) << "skald store on rocksdb\nformat 1\nstore 12\n";
  CheckSays(OpenStatus(directory / "s"), absl::StatusCode::kDataLoss, "FORMAT is damaged");
  std::ofstream(file, std::ios::trunc) << "something else\n";
  CheckSays(OpenStatus(directory / "s"), absl::StatusCode::kFailedPrecondition,
            "not that of a skald store");
}

TEST_CASE("options out of their range are refused before anything is touched") {
  const TemporaryDirectory directory;
  CheckSays(OpenStatus(directory / "s", {.clock = nullptr}), absl::StatusCode::kInvalidArgument,
            "clock");
  CheckSays(OpenStatus(directory / "s", {.background_threads = 0}),
            absl::StatusCode::kInvalidArgument, "background_threads");
  CheckSays(OpenStatus(directory / "s", {.mark_sync_interval = absl::ZeroDuration()}),
            absl::StatusCode::kInvalidArgument, "intervals");
  CHECK_FALSE(fs::exists(directory / "s"));
}

TEST_CASE("file systems that live elsewhere are told apart") {
  CHECK(rocks::NetworkFileSystemName(0x6969) == "NFS");       // linux/magic.h: NFS_SUPER_MAGIC
  CHECK(rocks::NetworkFileSystemName(0xFF534D42) == "CIFS");  // CIFS_SUPER_MAGIC
  CHECK(rocks::NetworkFileSystemName(0xEF53).empty());        // EXT4_SUPER_MAGIC
  CHECK(rocks::NetworkFileSystemName(0x01021994).empty());    // TMPFS_MAGIC
}

TEST_CASE("a directory that cannot be written is refused") {
  const TemporaryDirectory directory;
  const std::string mount = directory / "m";
  fs::create_directory(mount);
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=64m") != 0) {
    WARN("SKIPPED: this process may not mount file systems");
    return;
  }
  MustOpen(mount + "/s").reset();
  CHECK(::mount("tmpfs", mount.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64m") == 0);
  CheckSays(OpenStatus(mount + "/s"), absl::StatusCode::kPermissionDenied, "Read-only file system");
  CHECK(::umount2(mount.c_str(), MNT_DETACH) == 0);
}

}  // namespace skald
