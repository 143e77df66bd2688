#include "notifier.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

namespace skald::inline v1::internal {
namespace {

constexpr size_t kHeldMax = 4096;
constexpr int kLinesASecondMax = 10;

}  // namespace

Notifier::Notifier(Observer& observer, const EngineClock& clock, bool own_thread)
    : observer_(observer), clock_(clock) {
  if (own_thread) thread_ = std::jthread([this] { Run(); });
}

Notifier::~Notifier() {
  Stop();
}

void Notifier::Post(Severity severity, std::string_view kind, std::string subject,
                    std::string message) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  if (held_.size() >= kHeldMax) {
    ++dropped_;
    return;
  }
  held_.push_back({severity, kind, std::move(subject), std::move(message), clock_.Now()});
  changed_.NotifyOne();
}

void Notifier::PostJob(absl::AnyInvocable<void() &&> job) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  jobs_.push_back(std::move(job));
  changed_.NotifyOne();
}

bool Notifier::Deliver() {
  std::vector<Held> held;
  std::vector<absl::AnyInvocable<void() &&>> jobs;
  uint64_t dropped = 0;
  {
    MutexLock lock(mutex_);
    held.swap(held_);
    jobs.swap(jobs_);
    dropped = std::exchange(dropped_, 0);
  }
  for (const Held& one : held) {
    observer_.OnNotice({one.severity, one.kind, one.subject, one.message, one.time});
  }
  if (dropped > 0) {
    const std::string text =
        fmt::format("{} notices were dropped: the observer is too slow", dropped);
    observer_.OnNotice({Severity::kWarning, "notices-dropped", "observer", text, held.back().time});
  }
  for (auto& job : jobs) std::move(job)();
  return !held.empty() || !jobs.empty();
}

void Notifier::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (held_.empty() && jobs_.empty() && !stopping_) changed_.Wait(mutex_);
      if (held_.empty() && jobs_.empty()) return;
    }
    Deliver();
  }
}

void Notifier::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
  Deliver();
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  Deliver();  // what came between the two
}

void StderrObserver::OnNotice(const Notice& notice) {
  if (notice.severity == Severity::kInfo) return;
  uint64_t suppressed = 0;
  {
    MutexLock lock(mutex_);
    if (notice.time - second_ >= absl::Seconds(1) || notice.time < second_) {
      second_ = notice.time;
      printed_ = 0;
      suppressed = std::exchange(suppressed_, 0);
    }
    if (++printed_ > kLinesASecondMax) {
      ++suppressed_;
      return;
    }
  }
  if (suppressed > 0) fmt::print(stderr, "skald: {} more notices not shown\n", suppressed);
  fmt::print(stderr, "skald: {} {}: {}\n", notice.kind, notice.subject, notice.message);
}

}  // namespace skald::inline v1::internal
