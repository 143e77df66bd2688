// A file system for tests that knows what a power loss would leave: it passes everything on to the
// machine's, remembers what was not synced (data, names), and takes it back on demand.
//
//   auto disk = FaultFileSystem::Make();
//   auto store = OpenRocksDbStoreForTest(path, {}, {.file_system = disk});
//   disk->LosePowerAt(40);              // from the 40th write or sync on nothing works
//   … until a call fails …
//   store->reset();                     // the process is gone
//   disk->Restart(Unsynced::kDropped, random);   // the machine comes up again
//
// Syncs are counted, not passed on: a test costs no real ones. Deleted and replaced files are kept
// in memory until their directory is synced. Info logs are not tracked.
// THREADS: any.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/file_system.h"
#include "skald/base/export.h"
#include "skald/base/random.h"

namespace skald::inline v1 {

// What a restart makes of data and names that were not synced. Torn: of an append a prefix stays,
// in write-ahead logs also one with a hole of zeros; of names and overwrites the earlier ones.
enum class Unsynced { kDropped, kKept, kTorn };

class SKALD_EXPORT FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  static std::shared_ptr<FaultFileSystem> Make();
  ~FaultFileSystem() override;

  const char* Name() const override { return "FaultFileSystem"; }

  // ---- faults. Counts start at this call, from 1; `only` limits them to paths that contain it.
  struct Where {
    uint64_t at = 1;
    bool for_good = false;  // every later one fails too
    std::string only = {};
  };
  // The write fails with an I/O error; half of its bytes may be there.
  void FailWrite(Where where);
  // The sync fails; what it was to make durable never is, whatever later syncs say.
  void FailSync(Where where);
  // Bytes that still fit on the disk.
  void SetFreeBytes(uint64_t bytes);
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
  // The `at`-th write or sync happens, if `done`, and everything after it fails.
  void LosePowerAt(uint64_t at, bool done = false);
  void LosePower();
  // Ends all faults but a lost power.
  void Heal();

  bool power_lost() const;
  uint64_t writes() const;
  uint64_t syncs() const;

  // The machine comes up again. REQUIRES: nothing that was opened through this is open any more.
  void Restart(Unsynced unsynced, Random& random);

  // ---- rocksdb::FileSystem
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;

  class Disk;  // what is known of every file; shared with the open ones

 private:
  explicit FaultFileSystem(std::shared_ptr<Disk> disk);
  const std::shared_ptr<Disk> disk_;
};

}  // namespace skald::inline v1
