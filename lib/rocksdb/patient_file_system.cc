#include "patient_file_system.h"

#include <atomic>
#include <deque>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Less costs time (a piece is a transaction of the file system), more holds up whoever syncs.
constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr size_t kWaitingMax = 64;

// A file without a name, whose bytes go when it is closed.
struct Removed {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  uint64_t bytes = 0;
};

// Gives the bytes of removed files back, one piece after another, on a thread of its own: who
// removes a file may hold a lock that commits wait for.
class Shrinker {
 public:
  Shrinker() {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error&) {
      // Then files are given back in one go.
    }
  }
  ~Shrinker() {
    stopping_.store(true, std::memory_order_relaxed);
    {
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }
  Shrinker(const Shrinker&) = delete;
  Shrinker& operator=(const Shrinker&) = delete;

  void Take(Removed removed) {
    if (!thread_.joinable()) return;
    MutexLock lock(mutex_);
    // (What has no place is given back at once.)
    if (waiting_.size() >= kWaitingMax) return;
    waiting_.push_back(std::move(removed));
    changed_.NotifyOne();
  }

 private:
  void Run() {
    while (std::optional<Removed> next = WaitForNext()) Shrink(*next);
  }

  std::optional<Removed> WaitForNext() {
    MutexLock lock(mutex_);
    while (waiting_.empty() && !stopping()) changed_.Wait(mutex_);
    if (stopping()) return std::nullopt;
    Removed next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  void Shrink(Removed& removed) const {
    uint64_t pieces = (removed.bytes - 1) / kPieceBytes;
    while (pieces > 0 && !stopping()) {
      if (!removed.file->Truncate(pieces-- * kPieceBytes, {}, nullptr).ok()) break;
    }
    removed.file->Close({}, nullptr).PermitUncheckedError();
  }

  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  CondVar changed_;
  std::deque<Removed> waiting_ SKALD_GUARDED_BY(mutex_);
  std::thread thread_;  // the last: it uses the others
};

// A file that could not be created.
class MissingFile final : public rocksdb::FSWritableFile {
 public:
  explicit MissingFile(IOStatus why) : why_(std::move(why)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice&, const IOOptions&, IODebugContext*) override { return why_; }
  IOStatus Append(const Slice&, const IOOptions&, const rocksdb::DataVerificationInfo&,
                  IODebugContext*) override {
    return why_;
  }
  IOStatus Truncate(uint64_t, const IOOptions&, IODebugContext*) override { return why_; }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return why_; }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return 0; }

 private:
  const IOStatus why_;
};

class PatientFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "skald.patient"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target()->NewWritableFile(path, options, file, debug);
    if (status.ok() || !path.ends_with(".log")) return status;
    *file = std::make_unique<MissingFile>(std::move(status));
    return IOStatus::OK();
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    const uint64_t bytes = BytesOnlyHere(path, options, debug);
    if (bytes <= kPieceBytes) return target()->DeleteFile(path, options, debug);
    // The name goes first: what is found after a crash is the whole file or none.
    Removed removed{.file = nullptr, .bytes = bytes};
    const IOStatus opened = target()->ReopenWritableFile(path, {}, &removed.file, debug);
    IOStatus status = target()->DeleteFile(path, options, debug);
    if (opened.ok() && status.ok()) shrinker_.Take(std::move(removed));
    return status;
  }

 private:
  // RETURNS: the file's size; 0 when its bytes have another name too (a backup by hard links), or
  //          cannot be looked at.
  uint64_t BytesOnlyHere(const std::string& path, const IOOptions& options, IODebugContext* debug) {
    uint64_t links = 0;
    uint64_t bytes = 0;
    const bool known = target()->NumFileLinks(path, options, &links, debug).ok() &&
                       target()->GetFileSize(path, options, &bytes, debug).ok();
    return known && links == 1 ? bytes : 0;
  }

  Shrinker shrinker_;
};

}  // namespace

FileSystemPtr MakePatientFileSystem(FileSystemPtr fs) {
  return std::make_shared<PatientFileSystem>(std::move(fs));
}

}  // namespace skald::inline v1::rocks
