#include "measure.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "fmt/format.h"

namespace skald::bench {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

constexpr std::string_view kScratchPrefix = "skald-";

// RETURNS: a descriptor that holds the directory's lock; -1: it is another process's, or is gone.
int LockDirectory(const std::filesystem::path& path) {
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || flock(directory, LOCK_EX | LOCK_NB) == 0) return directory;
  close(directory);
  return -1;
}

// The number of a process and a count stand at the end of a name of ours.
bool IsScratchName(std::string_view name) {
  if (!name.starts_with(kScratchPrefix)) return false;
  const size_t count = name.rfind('-');
  const size_t process = name.rfind('-', count - 1);
  if (process == std::string_view::npos || process < kScratchPrefix.size()) return false;
  const std::string_view numbers = name.substr(process);
  return numbers.find_first_not_of("-0123456789") == std::string_view::npos;
}

void RemoveLeftovers(const std::filesystem::path& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    if (!IsScratchName(entry.path().filename().string())) continue;
    const int lock = LockDirectory(entry.path());
    if (lock < 0) continue;
    fmt::print(stderr, "removing {}, left by a run that was interrupted\n", entry.path().string());
    std::filesystem::remove_all(entry.path(), error);
    close(lock);
  }
}

}  // namespace

double NowSeconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

bool Window::Tick(uint64_t done) {
  const double now = NowSeconds();
  if (!warm_) {
    if (now < warm_at_) return true;
    warm_ = true;
    begin_ = now;
    begin_cpu_ = CpuSeconds();
    begin_done_ = done;
    end_at_ = now + (end_at_ - warm_at_);
    return true;
  }
  if (now < end_at_) return true;
  measured_.count = done - begin_done_;
  measured_.seconds = now - begin_;
  measured_.cpu_seconds = CpuSeconds() - begin_cpu_;
  return false;
}

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(at));
  const auto high = static_cast<size_t>(std::ceil(at));
  return values[low] + (values[high] - values[low]) * (at - std::floor(at));
}

ScratchDir::ScratchDir(const std::string& parent, std::string_view name) {
  static int counter = 0;
  if (counter == 0) RemoveLeftovers(parent);
  path_ = std::filesystem::path(parent) / fmt::format("skald-{}-{}-{}", name, getpid(), counter++);
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) Die(fmt::format("cannot make {}: {}", path_.string(), error.message()));
  lock_ = LockDirectory(path_);
}

ScratchDir::~ScratchDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (lock_ >= 0) close(lock_);
  if (error) fmt::print(stderr, "cannot remove {}: {}\n", path_.string(), error.message());
}

void Die(std::string_view what) {
  fmt::print(stderr, "benchmark failed: {}\n", what);
  std::exit(2);
}

}  // namespace skald::bench
