// What the fault file system knows of every file: how much of it is durable, and what its names
// were before. No call here touches an open file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/base/mutex.h"
#include "skald/rocksdb/testing/fault_file_system.h"

namespace skald::inline v1 {

// THREADS: any.
class FaultFileSystem::Disk {
 public:
  enum class Answer {
    kGoOn,       // do it
    kFail,       // an I/O error; a write may do half of it
    kNoSpace,    // the disk is full
    kPowerDone,  // do it, then say that the power is lost
    kPowerLost,  // nothing works any more
  };

  void FailWrite(Where where) SKALD_EXCLUDES(mutex_);
  void FailSync(Where where) SKALD_EXCLUDES(mutex_);
  void SetFreeBytes(uint64_t bytes) SKALD_EXCLUDES(mutex_);
  void LosePowerAt(uint64_t at, bool done) SKALD_EXCLUDES(mutex_);
  void LosePower() SKALD_EXCLUDES(mutex_);
  void Heal() SKALD_EXCLUDES(mutex_);
  bool power_lost() const SKALD_EXCLUDES(mutex_);
  uint64_t writes() const SKALD_EXCLUDES(mutex_);
  uint64_t syncs() const SKALD_EXCLUDES(mutex_);

  // ---- asked before an operation
  Answer BeforeWrite(const std::string& path, uint64_t bytes) SKALD_EXCLUDES(mutex_);
  Answer BeforeSync(const std::string& path) SKALD_EXCLUDES(mutex_);

  // ---- told after (or, for names, before) it
  void Appended(const std::string& path, uint64_t size) SKALD_EXCLUDES(mutex_);
  void Overwriting(const std::string& path, uint64_t offset, std::string before)
      SKALD_EXCLUDES(mutex_);
  void Synced(const std::string& path) SKALD_EXCLUDES(mutex_);
  void DirectorySynced(const std::string& path) SKALD_EXCLUDES(mutex_);
  void NameChanging(const std::string& path) SKALD_EXCLUDES(mutex_);
  void Removed(const std::string& path) SKALD_EXCLUDES(mutex_);
  void Renamed(const std::string& from, const std::string& to) SKALD_EXCLUDES(mutex_);
  void OpenedForWriting(const std::string& path, bool truncated) SKALD_EXCLUDES(mutex_);

  void Restart(Unsynced unsynced, Random& random) SKALD_EXCLUDES(mutex_);

 private:
  struct Countdown {
    uint64_t left = 0;  // 0: not armed
    bool for_good = false;
    std::string only;
    bool Hits(std::string_view path);
  };
  struct Overwrite {
    uint64_t offset;
    std::string before;
  };
  struct File {
    uint64_t size = 0;
    uint64_t durable = 0;
    bool damned = false;  // a sync of it failed: nothing more becomes durable
    std::vector<Overwrite> overwrites;
  };
  struct NameChange {
    std::string path;
    std::optional<std::string> before;  // nullopt: was not there
  };

  Answer Power(bool& counted) SKALD_REQUIRES(mutex_);
  void TakeBackData(const std::string& path, File& file, Unsynced unsynced, Random& random)
      SKALD_REQUIRES(mutex_);
  void TakeBackNames(Unsynced unsynced, Random& random) SKALD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, File> files_ SKALD_GUARDED_BY(mutex_);
  std::vector<NameChange> names_ SKALD_GUARDED_BY(mutex_);
  Countdown write_fault_ SKALD_GUARDED_BY(mutex_);
  Countdown sync_fault_ SKALD_GUARDED_BY(mutex_);
  uint64_t free_bytes_ SKALD_GUARDED_BY(mutex_) = kUnlimited;
  uint64_t power_left_ SKALD_GUARDED_BY(mutex_) = 0;  // 0: not armed
  bool power_done_ SKALD_GUARDED_BY(mutex_) = false;
  bool power_lost_ SKALD_GUARDED_BY(mutex_) = false;
  uint64_t writes_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t syncs_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1
