#include "runner.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"

namespace skald_sim {
namespace {

using skald::SimulationReport;

class Runner {
 public:
  explicit Runner(const RunnerOptions& options) : options_(options), next_(options.first) {
    end_ = clock_.Boot() + options.time_max;
    if (options.time_max == absl::InfiniteDuration()) end_ = absl::InfiniteDuration();
  }

  Totals Run() {
    skald::ThreadPool pool({.threads = options_.threads, .name = "seeds"});
    for (size_t i = 0; i < options_.threads; ++i) {
      const absl::Status taken = pool.Execute([this] { Work(); });
      if (!taken.ok()) Work();
    }
    skald::IgnoreError(pool.Shutdown(skald::Deadline::Infinite()), "there is no deadline");
    skald::MutexLock lock(mutex_);
    if (options_.progress) fmt::print(stderr, "\r\033[K");
    return std::move(totals_);
  }

 private:
  void Work() {
    while (!stop_) {
      const uint64_t seed = next_.fetch_add(1);
      if (seed > options_.last || clock_.Boot() >= end_) return;
      const skald::SimulationOptions one{.profile = skald::ProfileOf(seed),
                                         .definitions = options_.definitions};
      const SimulationReport report = skald::RunSimulation(one);
      const bool again = options_.twice;
      const bool equal = !again || skald::RunSimulation(one).trace_hash == report.trace_hash;
      Add(report, equal);
    }
  }

  void Add(const SimulationReport& report, bool equal) {
    skald::MutexLock lock(mutex_);
    ++totals_.seeds;
    totals_.lines += report.lines;
    for (const auto& [what, count] : report.counters) totals_.counters[what] += count;
    for (size_t i = 0; i < skald::kPromises; ++i) totals_.checks[i] += report.checks[i];
    if (!equal) totals_.two_histories = report.seed;
    if (!report.violations.empty() && (!totals_.failed || report.seed < totals_.failed->seed)) {
      totals_.failed = report;
    }
    if (!equal || totals_.failed) stop_ = true;
    if (options_.progress && totals_.seeds % 20 == 0) {
      fmt::print(stderr, "\r\033[K{} seeds, {} lines of history", totals_.seeds, totals_.lines);
    }
  }

  const RunnerOptions& options_;
  const skald::Clock& clock_ = skald::Clock::Real();
  absl::Duration end_;
  std::atomic<uint64_t> next_;
  std::atomic<bool> stop_{false};

  skald::Mutex mutex_;
  Totals totals_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace

Totals RunSeeds(const RunnerOptions& options) {
  return Runner(options).Run();
}

}  // namespace skald_sim
