#include "soak_watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "measure.h"

namespace skald::bench {
namespace {

constexpr double kBlockBytes = 512;  // what st_blocks counts

// Files come and go while they are listed; one that is gone takes no room.
std::map<std::string, double> List(const std::string& dir) {
  std::map<std::string, double> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(dir, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    struct stat status{};
    if (stat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    files[at->path().string()] = static_cast<double>(status.st_blocks) * kBlockBytes;
  }
  return files;
}

}  // namespace

DiskWatch::Seen DiskWatch::Look() {
  std::map<std::string, double> files = List(dir_);
  Seen seen;
  for (const auto& [path, bytes] : files) {
    seen.bytes += bytes;
    if (files_.contains(path)) continue;
    if (path.ends_with(".log")) ++seen.logs_begun;
    if (!path.ends_with(".sst")) continue;
    ++seen.tables_written;
    seen.table_bytes += bytes;
  }
  for (const auto& [path, bytes] : files_) {
    if (path.ends_with(".sst") && !files.contains(path)) ++seen.tables_gone;
  }
  files_ = std::move(files);
  return seen;
}

ProcessorWatch::Seen ProcessorWatch::Look() {
  // cpu user nice system idle iowait irq softirq steal
  constexpr int kColumns = 8, kIdle = 3, kWaiting = 4, kStolen = 7;
  std::ifstream file("/proc/stat");
  std::string cpu;
  file >> cpu;
  std::array<double, kColumns> ticks{};
  double all = 0;
  for (double& column : ticks) {
    file >> column;
    all += column;
  }
  const double busy = all - ticks[kIdle] - ticks[kWaiting] - ticks[kStolen];
  const double own_seconds = CpuSeconds();
  const double own = (own_seconds - own_seconds_) * static_cast<double>(sysconf(_SC_CLK_TCK));
  Seen seen;
  if (all > all_) {
    seen.others = std::max(0.0, busy - busy_ - own) / (all - all_);
    seen.stolen = (ticks[kStolen] - stolen_) / (all - all_);
  }
  busy_ = busy;
  stolen_ = ticks[kStolen];
  all_ = all;
  own_seconds_ = own_seconds;
  return seen;
}

void Longest::Add(double seconds) {
  double longest = longest_.load(std::memory_order_relaxed);
  while (seconds > longest && !longest_.compare_exchange_weak(longest, seconds)) {
  }
}

MachineWatch::MachineWatch(const std::string& dir) : dir_(dir, "machine_watch") {
  const std::string path = dir_.path() + "/file";
  file_ = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0 || write(file_, "x", 1) != 1 || fsync(file_) != 0) {
    Die(fmt::format("making '{}', whose flushes are timed: {}", path, std::strerror(errno)));
  }
  thread_ = std::thread([this] { Run(); });
}

MachineWatch::~MachineWatch() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  thread_.join();
  close(file_);
}

void MachineWatch::Run() {
  constexpr double kPauseSeconds = 0.05;
  while (true) {
    const double due = NowSeconds() + kPauseSeconds;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && NowSeconds() < due) {
        stop_.WaitFor(mutex_, absl::Seconds(std::max(0.0, due - NowSeconds())));
      }
      if (stopping_) return;
    }
    const double began = NowSeconds();
    late_.Add(began - due);
    if (fdatasync(file_) == 0) flush_.Add(NowSeconds() - began);
  }
}

absl::StatusOr<CommitResult> TimedStore::Commit(const Fence& fence, const Batch& batch) {
  const double began = NowSeconds();
  absl::StatusOr<CommitResult> result = target().Commit(fence, batch);
  commits_.Add(NowSeconds() - began);
  return result;
}

void NoticeWatch::OnNotice(const Notice& notice) {
  MutexLock lock(mutex_);
  if (notices_.size() < kNoticesMax) notices_.emplace_back(notice.message);
}

std::vector<std::string> NoticeWatch::Take() {
  MutexLock lock(mutex_);
  return std::exchange(notices_, {});
}

}  // namespace skald::bench
