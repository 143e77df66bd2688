// Large files are given back to the disk piece by piece, whoever else has a use for them.
#include "patient_file_system.h"

#include <atomic>
#include <fstream>

#include "support.h"

namespace skald {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr size_t kMiB = size_t{1} << 20;

// Writes down what reaches the disk.
class NotingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  NotingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "noting"; }

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    Note("delete");
    return target()->DeleteFile(path, options, debug);
  }
  IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    if (fails_to_open) return IOStatus::IOError("planted");
    std::unique_ptr<rocksdb::FSWritableFile> opened;
    IOStatus status = target()->ReopenWritableFile(path, options, &opened, debug);
    *file = std::make_unique<NotingFile>(std::move(opened), *this);
    return status;
  }

  // What there is when there are so many, or nothing more has come for a long time.
  std::vector<std::string> Notes(size_t count) {
    MutexLock lock(mutex_);
    while (notes_.size() < count && changed_.WaitFor(mutex_, absl::Seconds(60))) {
    }
    return notes_;
  }

  std::atomic<bool> fails_to_open = false;
  std::atomic<bool> fails_to_shrink = false;

 private:
  void Note(std::string note) {
    MutexLock lock(mutex_);
    notes_.push_back(std::move(note));
    changed_.NotifyAll();
  }

  class NotingFile final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    NotingFile(std::unique_ptr<rocksdb::FSWritableFile> file, NotingFileSystem& fs)
        : FSWritableFileOwnerWrapper(std::move(file)), fs_(fs) {}
    IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
      fs_.Note("shrink to " + std::to_string(size));
      if (fs_.fails_to_shrink) return IOStatus::IOError("planted");
      return target()->Truncate(size, options, debug);
    }

   private:
    NotingFileSystem& fs_;
  };

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> notes_ SKALD_GUARDED_BY(mutex_);
};

struct Disk {
  std::shared_ptr<NotingFileSystem> below = std::make_shared<NotingFileSystem>();
  std::shared_ptr<rocksdb::FileSystem> fs = rocks::MakePatientFileSystem(below);
  TemporaryDirectory directory;
  std::string path = directory / "000001.log";

  void Write(size_t bytes) const {
    std::ofstream(path, std::ios::binary) << std::string(bytes, 'x');
  }
  IOStatus Delete() const { return fs->DeleteFile(path, {}, nullptr); }
};

TEST_CASE("a large file loses its name first, and then its bytes piece by piece") {
  const Disk disk;
  disk.Write(3 * kMiB + 7);
  REQUIRE(disk.Delete().ok());
  CHECK(disk.below->Notes(4) == std::vector<std::string>{"delete",
                                                         "shrink to " + std::to_string(3 * kMiB),
                                                         "shrink to " + std::to_string(2 * kMiB),
                                                         "shrink to " + std::to_string(kMiB)});
  CHECK_FALSE(std::filesystem::exists(disk.path));
}

TEST_CASE("a small file is removed at once") {
  const Disk disk;
  disk.Write(kMiB);
  REQUIRE(disk.Delete().ok());
  CHECK(disk.below->Notes(1) == std::vector<std::string>{"delete"});
}

TEST_CASE("a file that has another name keeps its bytes under it") {
  const Disk disk;
  disk.Write(2 * kMiB);
  const std::string backup = disk.directory / "backup.log";
  std::filesystem::create_hard_link(disk.path, backup);
  REQUIRE(disk.Delete().ok());
  CHECK_FALSE(std::filesystem::exists(disk.path));
  CHECK(std::filesystem::file_size(backup) == 2 * kMiB);
}

TEST_CASE("a file is removed though its bytes cannot be given back by pieces") {
  const Disk disk;
  disk.Write(2 * kMiB);
  disk.below->fails_to_open = GENERATE(false, true);
  disk.below->fails_to_shrink = true;
  CHECK(disk.Delete().ok());
  CHECK_FALSE(std::filesystem::exists(disk.path));
}

TEST_CASE("to remove a file that is not there is an error, and makes none") {
  const Disk disk;
  CHECK_FALSE(disk.Delete().ok());
  CHECK_FALSE(std::filesystem::exists(disk.path));
}

}  // namespace
}  // namespace skald
