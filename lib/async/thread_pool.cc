#include "skald/async/thread_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "skald/base/check.h"
#include "skald/base/mutex.h"
#include "work_ring.h"

namespace skald::inline v1 {

// At most one thread is on its way out of sleep at a time; it wakes the next one if it finds more
// than it can take. So a burst of work costs its submitter one system call, and still reaches every
// thread.
class ThreadPool::Impl {
 public:
  explicit Impl(ThreadPoolOptions options) : options_(std::move(options)) { StartThreads(); }
  ~Impl() {
    const absl::Status joined = Shutdown(Deadline::Infinite());
    SKALD_CHECK(joined.ok(), "a ThreadPool is destroyed by a thread of its own");
  }

  absl::Status Execute(Work&& work) SKALD_EXCLUDES(mutex_);
  absl::Status Shutdown(Deadline deadline) SKALD_EXCLUDES(mutex_);
  size_t thread_count() const { return thread_count_; }
  size_t queued() const SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return queue_.size();
  }

 private:
  void StartThreads();
  void Run() noexcept;
  // Whether the caller, after unlocking, must notify work_came_.
  bool ClaimWakeUp() SKALD_REQUIRES(mutex_) {
    if (asleep_ == 0 || waking_) return false;
    return waking_ = true;
  }
  // False when there is none and there will be none.
  bool WaitForWork() SKALD_REQUIRES(mutex_);
  absl::Status ShutDownError() const;
  absl::Status NoThreadError() const;
  absl::Status FullError() const;
  void Join() SKALD_EXCLUDES(join_mutex_);

  const ThreadPoolOptions options_;
  size_t thread_count_ = 0;

  mutable Mutex mutex_;
  CondVar work_came_;
  CondVar thread_ended_;
  WorkRing queue_ SKALD_GUARDED_BY(mutex_);
  size_t asleep_ SKALD_GUARDED_BY(mutex_) = 0;
  size_t running_ SKALD_GUARDED_BY(mutex_) = 0;  // threads that have not ended
  bool waking_ SKALD_GUARDED_BY(mutex_) = false;
  bool shut_down_ SKALD_GUARDED_BY(mutex_) = false;

  Mutex join_mutex_;
  std::vector<std::thread> threads_ SKALD_GUARDED_BY(join_mutex_);
};

namespace {

// The pool whose thread this is.
thread_local const void* pool_of_this_thread = nullptr;

}  // namespace

void ThreadPool::Impl::StartThreads() {
  const size_t processors = std::max(2U, std::thread::hardware_concurrency());
  const size_t wanted = options_.threads == 0 ? processors : options_.threads;
  const std::string name = options_.name.substr(0, 15);
  MutexLock join_lock(join_mutex_);
  MutexLock lock(mutex_);  // threads begin when all of them are there
  threads_.reserve(wanted);
  try {
    while (threads_.size() < wanted) {
      threads_.emplace_back([this] { Run(); });
      pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
  } catch (const std::system_error&) {
    // thread_count() tells.
  }
  thread_count_ = running_ = threads_.size();
}

absl::Status ThreadPool::Impl::Execute(Work&& work) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (shut_down_) return ShutDownError();
    if (queue_.size() >= options_.queue_capacity) return FullError();
    if (thread_count_ == 0) return NoThreadError();
    queue_.Push(std::move(work));
    wake = ClaimWakeUp();
  }
  if (wake) work_came_.NotifyOne();
  return absl::OkStatus();
}

absl::Status ThreadPool::Impl::ShutDownError() const {
  return absl::UnavailableError(
      fmt::format("executing work on thread pool '{}': it is shut down", options_.name));
}

absl::Status ThreadPool::Impl::NoThreadError() const {
  return absl::UnavailableError(fmt::format(
      "executing work on thread pool '{}': the system let it start no thread", options_.name));
}

absl::Status ThreadPool::Impl::FullError() const {
  return absl::ResourceExhaustedError(fmt::format(
      "executing work on thread pool '{}': {} wait already, its queue_capacity; offer it "
      "again later",
      options_.name, options_.queue_capacity));
}

bool ThreadPool::Impl::WaitForWork() {
  while (queue_.empty() && !shut_down_) {
    ++asleep_;
    work_came_.Wait(mutex_);
    --asleep_;
    waking_ = false;
  }
  return !queue_.empty();
}

void ThreadPool::Impl::Run() noexcept {
  pool_of_this_thread = this;
  MutexLock lock(mutex_);
  while (WaitForWork()) {
    Work work = queue_.Pop();
    const bool wake = !queue_.empty() && ClaimWakeUp();
    lock.Unlock();
    if (wake) work_came_.NotifyOne();
    std::move(work)();
    work = nullptr;  // what it holds goes before the next is taken, and not under the lock
    lock.Lock();
  }
  if (--running_ == 0) thread_ended_.NotifyAll();
}

absl::Status ThreadPool::Impl::Shutdown(Deadline deadline) {
  if (pool_of_this_thread == this) {
    return absl::FailedPreconditionError(fmt::format(
        "shutting down thread pool '{}': a thread of it cannot wait for itself", options_.name));
  }
  MutexLock lock(mutex_);
  shut_down_ = true;
  work_came_.NotifyAll();
  while (running_ != 0) {
    if (deadline.Passed(*options_.clock)) {
      return absl::DeadlineExceededError(
          fmt::format("shutting down thread pool '{}': {} pieces of work wait and {} threads run",
                      options_.name, queue_.size(), running_));
    }
    thread_ended_.WaitFor(mutex_, deadline.Remaining(*options_.clock));
  }
  lock.Unlock();
  Join();
  return absl::OkStatus();
}

void ThreadPool::Impl::Join() {
  MutexLock lock(join_mutex_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

ThreadPool::ThreadPool(ThreadPoolOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ThreadPool::~ThreadPool() = default;

absl::Status ThreadPool::Execute(Work&& work) {
  return impl_->Execute(std::move(work));
}
absl::Status ThreadPool::Shutdown(Deadline deadline) {
  return impl_->Shutdown(deadline);
}
size_t ThreadPool::thread_count() const {
  return impl_->thread_count();
}
size_t ThreadPool::queued() const {
  return impl_->queued();
}

}  // namespace skald::inline v1
