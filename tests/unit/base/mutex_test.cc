#include "skald/base/mutex.h"

#include <thread>
#include <vector>

#include "catch.h"

namespace {

using skald::CondVar;
using skald::Mutex;
using skald::MutexLock;

// Whether another thread can take it.
bool IsFree(Mutex& mutex) {
  bool free = false;
  std::thread([&] {
    if (mutex.TryLock()) {
      free = true;
      mutex.Unlock();
    }
  }).join();
  return free;
}

TEST_CASE("A mutex lets one thread in at a time") {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        MutexLock lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 40'000);
}

TEST_CASE("TryLock fails while another holds the mutex, and succeeds after") {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    CHECK_FALSE(IsFree(mutex));
  }
  CHECK(IsFree(mutex));
}

TEST_CASE("A lock can be left early and taken again") {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    lock.Unlock();
    CHECK(IsFree(mutex));
    lock.Lock();
    CHECK_FALSE(IsFree(mutex));
  }
  CHECK(IsFree(mutex));
}

TEST_CASE("A lock that was left early is not released a second time") {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    lock.Unlock();
  }
  CHECK(IsFree(mutex));
}

TEST_CASE("A waiter sees what was changed before it was notified") {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  int value = 0;
  std::thread writer([&] {
    MutexLock lock(mutex);
    value = 42;
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.Wait(mutex);
    CHECK(value == 42);
  }
  writer.join();
}

TEST_CASE("WaitFor says whether its time ran out") {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  bool woken = true;
  // Nobody notifies: only a spurious wake-up could answer true, and not again and again.
  for (int i = 0; i < 100 && woken; ++i) woken = never.WaitFor(mutex, absl::Nanoseconds(1));
  CHECK_FALSE(woken);
  CHECK_FALSE(never.WaitFor(mutex, -absl::InfiniteDuration()));
}

TEST_CASE("An infinite WaitFor waits for the notification") {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread writer([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.NotifyOne();
  });
  {
    MutexLock lock(mutex);
    while (!ready) CHECK(changed.WaitFor(mutex, absl::InfiniteDuration()));
  }
  writer.join();
}

}  // namespace
