#include "patient_file_system.h"

#include <utility>

namespace skald::inline v1::rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Less costs time (a piece is a transaction of the file system), more holds up whoever syncs.
constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

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
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const IOStatus opened = target()->ReopenWritableFile(path, {}, &file, debug);
    IOStatus removed = target()->DeleteFile(path, options, debug);
    if (opened.ok() && removed.ok()) Shrink(*file, bytes, options, debug);
    return removed;
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

  // What cannot be shrunk goes at once when the file is closed.
  static void Shrink(rocksdb::FSWritableFile& file, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) {
    bool shrunk = true;
    while (shrunk && bytes > kPieceBytes) {
      bytes -= kPieceBytes;
      shrunk = file.Truncate(bytes, options, debug).ok();
    }
    file.Close(options, debug).PermitUncheckedError();
  }
};

}  // namespace

FileSystemPtr MakePatientFileSystem(FileSystemPtr fs) {
  return std::make_shared<PatientFileSystem>(std::move(fs));
}

}  // namespace skald::inline v1::rocks
