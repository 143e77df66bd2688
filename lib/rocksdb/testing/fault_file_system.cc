#include "skald/rocksdb/testing/fault_file_system.h"

#include <utility>

#include "fault_disk.h"

namespace skald::inline v1 {
namespace {

using Answer = FaultFileSystem::Disk::Answer;
using DiskPtr = std::shared_ptr<FaultFileSystem::Disk>;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus PowerLost() {
  return IOStatus::IOError("fault file system", "the power is lost");
}

// For everything but "go on".
IOStatus Refusal(Answer answer, const std::string& path) {
  switch (answer) {
    case Answer::kNoSpace:
      return IOStatus::NoSpace("fault file system, no space left", path);
    case Answer::kFail:
      return IOStatus::IOError("fault file system, planted error", path);
    default:
      return PowerLost();
  }
}

class FaultWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(std::unique_ptr<rocksdb::FSWritableFile> target, std::string path, DiskPtr disk)
      : FSWritableFileOwnerWrapper(std::move(target)),
        path_(std::move(path)),
        disk_(std::move(disk)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const Answer answer = disk_->BeforeWrite(path_, data.size());
    if (answer == Answer::kGoOn) return Pass(data, options, debug);
    // What a power loss or an error interrupts may be there in part; the restart decides.
    if (answer == Answer::kPowerDone) Pass(data, options, debug).PermitUncheckedError();
    if (answer == Answer::kFail) {
      Pass({data.data(), data.size() / 2}, options, debug).PermitUncheckedError();
    }
    return Refusal(answer, path_);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const Answer answer = disk_->BeforeSync(path_);
    if (answer == Answer::kGoOn || answer == Answer::kPowerDone) disk_->Synced(path_);
    return answer == Answer::kGoOn ? IOStatus::OK() : Refusal(answer, path_);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (disk_->power_lost()) return PowerLost();
    const IOStatus status = target()->Truncate(size, options, debug);
    if (status.ok()) disk_->Appended(path_, size);
    return status;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = target()->Close(options, debug);
    return disk_->power_lost() ? PowerLost() : status;
  }
  // A hint to the machine; makes nothing durable.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return disk_->power_lost() ? PowerLost() : IOStatus::OK();
  }

 private:
  IOStatus Pass(const Slice& data, const IOOptions& options, IODebugContext* debug) {
    const IOStatus status = target()->Append(data, options, debug);
    disk_->Appended(path_, target()->GetFileSize(options, debug));
    return status;
  }

  const std::string path_;
  const DiskPtr disk_;
};

class FaultRandomRWFile final : public rocksdb::FSRandomRWFile {
 public:
  FaultRandomRWFile(std::unique_ptr<rocksdb::FSRandomRWFile> target, std::string path, DiskPtr disk)
      : target_(std::move(target)), path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    const Answer answer = disk_->BeforeWrite(path_, 0);  // in place: takes no space
    if (answer == Answer::kGoOn) return Pass(offset, data, options, debug);
    if (answer == Answer::kPowerDone) Pass(offset, data, options, debug).PermitUncheckedError();
    return Refusal(answer, path_);
  }
  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    if (disk_->power_lost()) return PowerLost();
    return target_->Read(offset, size, options, result, scratch, debug);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const Answer answer = disk_->BeforeSync(path_);
    if (answer == Answer::kGoOn || answer == Answer::kPowerDone) disk_->Synced(path_);
    return answer == Answer::kGoOn ? IOStatus::OK() : Refusal(answer, path_);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return target_->Close(options, debug);
  }

 private:
  IOStatus Pass(uint64_t offset, const Slice& data, const IOOptions& options,
                IODebugContext* debug) {
    std::string before(data.size(), '\0');
    Slice read;
    IOStatus status = target_->Read(offset, before.size(), options, &read, before.data(), debug);
    if (!status.ok()) return status;
    disk_->Overwriting(path_, offset, read.ToString());
    return target_->Write(offset, data, options, debug);
  }

  const std::unique_ptr<rocksdb::FSRandomRWFile> target_;
  const std::string path_;
  const DiskPtr disk_;
};

class FaultDirectory final : public rocksdb::FSDirectory {
 public:
  FaultDirectory(std::string path, DiskPtr disk) : path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const Answer answer = disk_->BeforeSync(path_);
    if (answer == Answer::kGoOn || answer == Answer::kPowerDone) disk_->DirectorySynced(path_);
    return answer == Answer::kGoOn ? IOStatus::OK() : Refusal(answer, path_);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  const std::string path_;
  const DiskPtr disk_;
};

}  // namespace

std::shared_ptr<FaultFileSystem> FaultFileSystem::Make() {
  return std::shared_ptr<FaultFileSystem>(new FaultFileSystem(std::make_shared<Disk>()));
}

FaultFileSystem::FaultFileSystem(std::shared_ptr<Disk> disk)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::FailWrite(Where where) {
  disk_->FailWrite(std::move(where));
}
void FaultFileSystem::FailSync(Where where) {
  disk_->FailSync(std::move(where));
}
void FaultFileSystem::SetFreeBytes(uint64_t bytes) {
  disk_->SetFreeBytes(bytes);
}
void FaultFileSystem::LosePowerAt(uint64_t at, bool done) {
  disk_->LosePowerAt(at, done);
}
void FaultFileSystem::LosePower() {
  disk_->LosePower();
}
void FaultFileSystem::Heal() {
  disk_->Heal();
}
bool FaultFileSystem::power_lost() const {
  return disk_->power_lost();
}
uint64_t FaultFileSystem::writes() const {
  return disk_->writes();
}
uint64_t FaultFileSystem::syncs() const {
  return disk_->syncs();
}
void FaultFileSystem::Restart(Unsynced unsynced, Random& random) {
  disk_->Restart(unsynced, random);
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& path,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                            IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  return target()->NewSequentialFile(path, options, file, debug);
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& path,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  return target()->NewRandomAccessFile(path, options, file, debug);
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  disk_->NameChanging(path);
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  const IOStatus status = target()->NewWritableFile(path, options, &opened, debug);
  if (!status.ok()) return status;
  disk_->OpenedForWriting(path, /*truncated=*/true);
  *file = std::make_unique<FaultWritableFile>(std::move(opened), path, disk_);
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  const IOStatus status = target()->ReopenWritableFile(path, options, &opened, debug);
  if (!status.ok()) return status;
  disk_->OpenedForWriting(path, /*truncated=*/false);
  *file = std::make_unique<FaultWritableFile>(std::move(opened), path, disk_);
  return status;
}

IOStatus FaultFileSystem::NewRandomRWFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                          IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  std::unique_ptr<rocksdb::FSRandomRWFile> opened;
  const IOStatus status = target()->NewRandomRWFile(path, options, &opened, debug);
  if (!status.ok()) return status;
  disk_->OpenedForWriting(path, /*truncated=*/false);
  *file = std::make_unique<FaultRandomRWFile>(std::move(opened), path, disk_);
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  std::unique_ptr<rocksdb::FSDirectory> opened;  // only to learn whether it is there
  const IOStatus status = target()->NewDirectory(path, options, &opened, debug);
  if (!status.ok()) return status;
  *directory = std::make_unique<FaultDirectory>(path, disk_);
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  disk_->NameChanging(path);
  const IOStatus status = target()->DeleteFile(path, options, debug);
  if (status.ok()) disk_->Removed(path);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  disk_->NameChanging(from);
  disk_->NameChanging(to);
  const IOStatus status = target()->RenameFile(from, to, options, debug);
  if (status.ok()) disk_->Renamed(from, to);
  return status;
}

IOStatus FaultFileSystem::CreateDir(const std::string& path, const IOOptions& options,
                                    IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  return target()->CreateDir(path, options, debug);
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options,
                                             IODebugContext* debug) {
  if (disk_->power_lost()) return PowerLost();
  return target()->CreateDirIfMissing(path, options, debug);
}

}  // namespace skald::inline v1
