// Stop watches, processor time and order statistics: what every benchmark here measures with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workload.h"

namespace skald::bench {

// Seconds of a clock that never goes back; only differences mean anything.
double NowSeconds();

// Processor time of all threads of this process so far, user and system.
double CpuSeconds();

// What one run of one contender showed.
struct Measured {
  uint64_t count = 0;      // sagas, or whatever the contender counts, within the window
  double seconds = 0;      // length of the window
  double cpu_seconds = 0;  // of all threads, within the window
  double latency_p50 = 0;  // seconds; 0 where the contender does not time single sagas
  double latency_p99 = 0;  // seconds
  double allocations = 0;  // a saga; only where they are counted
  // What else the run found, by name and with its unit in the name ("bytes_a_saga").
  std::map<std::string, double, std::less<>> found = {};

  // Why the run has no figure; empty: it has. Such a round counts as the worst there can be.
  std::string problem = {};

  // 0 when the run did not find it.
  double Found(std::string_view name) const {
    const auto at = found.find(name);
    return at == found.end() ? 0 : at->second;
  }
  double per_second() const { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
  double cpu_us() const { return count > 0 ? cpu_seconds * 1e6 / static_cast<double>(count) : 0; }
};

// How long a run lasts and how much it keeps in flight.
struct RunOptions {
  std::string dir;  // exists; the run makes and removes a directory of its own in it
  double warmup_seconds = 3;
  double seconds = 15;
  uint32_t in_flight = 1024;
  Shape shape;  // of the sagas
};

// Times a window behind a warm-up. Tick() after each piece of work; true while the run goes on.
class Window {
 public:
  explicit Window(const RunOptions& options)
      : warm_at_(NowSeconds() + options.warmup_seconds), end_at_(warm_at_ + options.seconds) {}

  // `done`: how many have been finished since the run began.
  bool Tick(uint64_t done);
  bool warm() const { return warm_; }
  // REQUIRES: Tick() has returned false.
  Measured Result() const { return measured_; }

 private:
  double warm_at_;
  double end_at_;
  bool warm_ = false;
  double begin_ = 0;
  double begin_cpu_ = 0;
  uint64_t begin_done_ = 0;
  Measured measured_;
};

// 0 when empty. `q` within [0, 1].
double Quantile(std::vector<double> values, double q);
inline double Median(std::vector<double> values) {
  return Quantile(std::move(values), 0.5);
}

// A new directory, removed with all that is in it. It is locked while its process lives; those that
// an interrupted run has left in the same parent are removed with the first one of the next run.
class ScratchDir {
 public:
  // Ends the process with a message when it cannot be made.
  ScratchDir(const std::string& parent, std::string_view name);
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
  int lock_ = -1;  // a descriptor of the directory
};

// Says what went wrong and ends the process: a benchmark whose store fails has no figure to give.
[[noreturn]] void Die(std::string_view what);

}  // namespace skald::bench
