// Locks with thread-safety annotations, checked by clang's -Wthread-safety.
//
//   class Counter {
//     Mutex mutex_;
//     CondVar changed_;
//     int value_ SKALD_GUARDED_BY(mutex_) = 0;
//    public:
//     void Add() SKALD_EXCLUDES(mutex_) { MutexLock lock(mutex_); ++value_; changed_.NotifyAll(); }
//   };
//
// Fields stand below the mutex that guards them. No lock is held across user code or I/O.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

#if defined(__clang__)
#define SKALD_TSA_(...) __attribute__((__VA_ARGS__))
#else
#define SKALD_TSA_(...)
#endif
#define SKALD_CAPABILITY(name) SKALD_TSA_(capability(name))
#define SKALD_SCOPED_CAPABILITY SKALD_TSA_(scoped_lockable)
#define SKALD_GUARDED_BY(...) SKALD_TSA_(guarded_by(__VA_ARGS__))
#define SKALD_PT_GUARDED_BY(...) SKALD_TSA_(pt_guarded_by(__VA_ARGS__))
#define SKALD_REQUIRES(...) SKALD_TSA_(requires_capability(__VA_ARGS__))
#define SKALD_EXCLUDES(...) SKALD_TSA_(locks_excluded(__VA_ARGS__))
#define SKALD_ACQUIRE(...) SKALD_TSA_(acquire_capability(__VA_ARGS__))
#define SKALD_TRY_ACQUIRE(...) SKALD_TSA_(try_acquire_capability(__VA_ARGS__))
#define SKALD_RELEASE(...) SKALD_TSA_(release_capability(__VA_ARGS__))
#define SKALD_ASSERT_HELD(...) SKALD_TSA_(assert_capability(__VA_ARGS__))
#define SKALD_RETURN_CAPABILITY(...) SKALD_TSA_(lock_returned(__VA_ARGS__))
#define SKALD_NO_THREAD_SAFETY_ANALYSIS SKALD_TSA_(no_thread_safety_analysis)

namespace skald::inline v1 {

// A plain mutual exclusion. Neither recursive nor movable.
class SKALD_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() SKALD_ACQUIRE() { mutex_.lock(); }
  void Unlock() SKALD_RELEASE() { mutex_.unlock(); }
  bool TryLock() SKALD_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  // Tells the analysis, where it cannot see it, that the caller holds the lock.
  void AssertHeld() const SKALD_ASSERT_HELD(this) {}

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope. Unlock() ends it early, Lock() takes it again.
class SKALD_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SKALD_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() SKALD_RELEASE() {
    if (held_) mutex_.Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void Unlock() SKALD_RELEASE() {
    held_ = false;
    mutex_.Unlock();
  }
  void Lock() SKALD_ACQUIRE() {
    mutex_.Lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Waits may wake for no reason: wait in a loop that looks at the condition. (A loop in the function
// that holds the lock, not a predicate: the analysis cannot see into a lambda.)
class CondVar {
 public:
  void NotifyOne() noexcept { condition_.notify_one(); }
  void NotifyAll() noexcept { condition_.notify_all(); }

  void Wait(Mutex& mutex) SKALD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // RETURNS: false when `timeout` of real time passed. An infinite one waits like Wait().
  bool WaitFor(Mutex& mutex, absl::Duration timeout) SKALD_REQUIRES(mutex) {
    // An hour at most at once: a larger one could overflow the clock, and waking early is allowed.
    const absl::Duration bounded = std::min(timeout, absl::Hours(1));
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status woke = condition_.wait_for(lock, absl::ToChronoNanoseconds(bounded));
    lock.release();
    return woke == std::cv_status::no_timeout || bounded < timeout;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace skald::inline v1
