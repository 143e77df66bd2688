#include "patient_file_system.h"

#include <utility>

namespace skald::inline v1::rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

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
};

}  // namespace

FileSystemPtr MakePatientFileSystem(FileSystemPtr fs) {
  return std::make_shared<PatientFileSystem>(std::move(fs));
}

}  // namespace skald::inline v1::rocks
