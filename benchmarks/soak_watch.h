// What goes on around the sagas second by second: the disk, the store's commits and its own words,
// and what the machine takes away. It explains a slow second afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "measure.h"
#include "skald/base/mutex.h"
#include "skald/base/observer.h"
#include "skald/store/forwarding_store.h"

namespace skald::bench {

// The files of a store's directory.
class DiskWatch {
 public:
  explicit DiskWatch(std::string dir) : dir_(std::move(dir)) {}

  struct Seen {
    double bytes = 0;  // allocated on disk, all files
    // Since the last look:
    uint32_t logs_begun = 0;      // a new write-ahead log: buffers are flushed
    uint32_t tables_written = 0;  // by flushes and compactions
    double table_bytes = 0;
    uint32_t tables_gone = 0;  // compacted or dropped
  };
  Seen Look();

 private:
  std::string dir_;
  std::map<std::string, double> files_;  // path to bytes
};

// Who had the processors.
class ProcessorWatch {
 public:
  // Shares of all processors' time since the last look; 0 where the system does not tell.
  struct Seen {
    double others = 0;  // other processes of this machine
    double stolen = 0;  // other machines on its host
  };
  Seen Look();

 private:
  double busy_ = 0;  // clock ticks, as the two below
  double stolen_ = 0;
  double all_ = 0;
  double own_seconds_ = 0;
};

// The longest of what took so long since the last call. THREADS: any.
class Longest {
 public:
  void Add(double seconds);
  double Take() { return longest_.exchange(0); }

 private:
  std::atomic<double> longest_ = 0;
};

// A thread that wakes twenty times a second and lets the disk flush itself, with nothing of its own
// to write. A commit that is slow beside a slow flush waits for the disk, which others or this
// process' own writes may keep busy; one beside fast flushes was held up within the process.
class MachineWatch {
 public:
  // In `dir`, which is on the disk in question. Ends the process when a file cannot be made there.
  explicit MachineWatch(const std::string& dir);
  ~MachineWatch();
  MachineWatch(const MachineWatch&) = delete;
  MachineWatch& operator=(const MachineWatch&) = delete;

  // The longest since the last look, in seconds.
  struct Seen {
    double flush = 0;  // of a file in which nothing changed
    double late = 0;   // from when the thread was due to when it ran
  };
  Seen Look() { return {.flush = flush_.Take(), .late = late_.Take()}; }

 private:
  void Run();

  ScratchDir dir_;
  int file_ = -1;
  Longest flush_;
  Longest late_;
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // the last: it uses the others
};

// A store whose commits are timed.
class TimedStore final : public ForwardingStore {
 public:
  // Both outlive this object.
  TimedStore(Store& target, Longest& commits) : ForwardingStore(target), commits_(commits) {}

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;

 private:
  Longest& commits_;
};

// What the store has to say: stalls of its writes among others. THREADS: any.
class NoticeWatch final : public Observer {
 public:
  void OnNotice(const Notice& notice) override SKALD_EXCLUDES(mutex_);
  // Since the last call; what is beyond the bound is left out.
  std::vector<std::string> Take() SKALD_EXCLUDES(mutex_);

 private:
  static constexpr size_t kNoticesMax = 8;

  Mutex mutex_;
  std::vector<std::string> notices_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::bench
