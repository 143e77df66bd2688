#include "open_loop.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "order_saga.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"

namespace skald::bench {
namespace {

constexpr uint64_t kBacklogMax = uint64_t{1} << 16;
constexpr double kStallSeconds = 60;
// Starts that are due within one of these go out together: a thread that woke for each of them
// would take a good part of a core from the engine. What it adds to a latency is in the latency.
constexpr double kTickSeconds = 200e-6;
constexpr uint64_t kSeed = 5;

class OpenLoop {
 public:
  OpenLoop(Coordinator& coordinator, const RunOptions& options, double per_second)
      : coordinator_(coordinator), options_(options), per_second_(per_second) {
    for (uint32_t at = 0; at < kOrders; ++at) orders_.push_back(NoiseAs<Order>(at));
    latencies_.resize(static_cast<size_t>(per_second * options.seconds * 1.2) + 1024);
  }

  Measured Run();

 private:
  static constexpr uint32_t kOrders = 1024;

  // Between one saga and the next, in seconds.
  double Gap() { return -std::log1p(-random_.UnitInterval()) / per_second_; }
  uint64_t Unended() const { return started_ - ended_.load(std::memory_order_relaxed); }
  bool Behind() const {
    return refused_.load(std::memory_order_relaxed) || Unended() >= kBacklogMax;
  }
  Measured Pace();
  void StartAllDue(double now, double& due);
  void Start(double due);
  void Ended(double due, const absl::StatusOr<Outcome<Nothing>>& outcome);
  void WaitTick();
  void WaitUntilEmpty();
  std::string Problem() const;

  Coordinator& coordinator_;
  const RunOptions options_;
  const double per_second_;
  SeededRandom random_{kSeed};
  std::vector<Order> orders_;

  // Written by the pacing thread alone.
  double warm_at_ = 0;
  double end_at_ = 0;
  uint64_t started_ = 0;
  uint64_t due_in_window_ = 0;
  std::vector<double> late_;     // seconds, of the first saga of each tick
  std::vector<double> unended_;  // sagas, a tick each

  Mutex mutex_;
  CondVar tick_;  // nobody notifies it: it only lets the time pass
  std::atomic<uint64_t> ended_ = 0;
  std::atomic<bool> refused_ = false;
  std::atomic<size_t> timed_ = 0;
  std::vector<double> latencies_;  // seconds; the first timed_ count
};

void OpenLoop::Start(double due) {
  const uint64_t number = started_++;
  coordinator_.StartThen(
      kPlaceOrder, orders_[number % kOrders], {.key = fmt::format("o-{}", number)},
      [this, due](absl::StatusOr<SagaHandle<Nothing>> saga) {
        if (absl::IsResourceExhausted(saga.status())) {
          refused_.store(true);
          ended_.fetch_add(1);
          return;
        }
        if (!saga.ok()) Die(saga.status().ToString());
        saga->AwaitThen([this, due](absl::StatusOr<Outcome<Nothing>> o) { Ended(due, o); });
      });
}

void OpenLoop::Ended(double due, const absl::StatusOr<Outcome<Nothing>>& outcome) {
  if (!outcome.ok()) Die(outcome.status().ToString());
  if (!outcome->completed()) Die(fmt::format("a saga did not complete: {}", outcome->reason()));
  if (due >= warm_at_ && due < end_at_) {
    const size_t at = timed_.fetch_add(1, std::memory_order_relaxed);
    if (at < latencies_.size()) latencies_[at] = NowSeconds() - due;
  }
  ended_.fetch_add(1, std::memory_order_release);
}

void OpenLoop::WaitTick() {
  MutexLock lock(mutex_);
  tick_.WaitFor(mutex_, absl::Seconds(kTickSeconds));
}

void OpenLoop::StartAllDue(double now, double& due) {
  const double first = due;
  for (; due <= now && due < end_at_ && !Behind(); due += Gap()) {
    if (due >= warm_at_) ++due_in_window_;
    Start(due);
  }
  if (due == first || now < warm_at_) return;
  late_.push_back(now - first);
  unended_.push_back(static_cast<double>(Unended()));
}

Measured OpenLoop::Pace() {
  Window window(options_);
  const double begin = NowSeconds();
  warm_at_ = begin + options_.warmup_seconds;
  end_at_ = warm_at_ + options_.seconds;
  double due = begin + Gap();
  do {
    StartAllDue(NowSeconds(), due);
    if (Behind()) return {};
    WaitTick();
  } while (window.Tick(due_in_window_));
  StartAllDue(NowSeconds(), due);  // those of the last tick
  return window.Result();
}

void OpenLoop::WaitUntilEmpty() {
  const double give_up_at = NowSeconds() + kStallSeconds;
  while (started_ != ended_.load(std::memory_order_acquire)) {
    WaitTick();
    if (NowSeconds() > give_up_at) Die(fmt::format("{} sagas do not end", Unended()));
  }
}

std::string OpenLoop::Problem() const {
  const std::string rate = fmt::format("does not keep up with {:.0f}/s", per_second_);
  if (Behind()) return fmt::format("{}: {} or more sagas unended", rate, kBacklogMax);
  const auto half = unended_.begin() + static_cast<ptrdiff_t>(unended_.size() / 2);
  const double before = Median({unended_.begin(), half});
  const double after = Median({half, unended_.end()});
  if (after <= 2.0 * options_.in_flight || after <= 1.5 * before) return {};
  return fmt::format("{}: {:.0f} sagas unended, then {:.0f}", rate, before, after);
}

Measured OpenLoop::Run() {
  Measured measured = Pace();
  measured.problem = Problem();  // as long as what has not ended can be counted
  WaitUntilEmpty();
  measured.found["offered_per_second"] = per_second_;
  if (!measured.problem.empty()) return measured;
  if (timed_ != due_in_window_ || timed_ > latencies_.size()) Die("a saga was not timed");
  latencies_.resize(timed_);
  std::sort(latencies_.begin(), latencies_.end());
  measured.count = timed_;
  measured.latency_p50 = Quantile(latencies_, 0.5);
  measured.latency_p99 = Quantile(latencies_, 0.99);
  measured.found["p999_us"] = Quantile(latencies_, 0.999) * 1e6;
  measured.found["max_us"] = latencies_.back() * 1e6;
  measured.found["started_late_p50_us"] = Quantile(late_, 0.5) * 1e6;
  measured.found["started_late_p99_us"] = Quantile(late_, 0.99) * 1e6;
  measured.found["unended_p50"] = Median(unended_);
  return measured;
}

}  // namespace

Measured RunOpenLoopOn(Coordinator& coordinator, const RunOptions& options, double per_second) {
  return OpenLoop(coordinator, options, per_second).Run();
}

}  // namespace skald::bench
