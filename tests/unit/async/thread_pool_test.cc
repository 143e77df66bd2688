#include "skald/async/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"

namespace {

using skald::Deadline;
using skald::ManualClock;
using skald::ThreadPool;

TEST_CASE("The destructor runs what was taken and joins") {
  std::atomic<int> ran{0};
  {
    ThreadPool pool({.threads = 2});
    for (int i = 0; i < 1'000; ++i) REQUIRE(pool.Execute([&] { ++ran; }).ok());
  }
  CHECK(ran == 1'000);
}

TEST_CASE("One thread runs the work in the order in which it was taken") {
  std::vector<int> order;
  {
    ThreadPool pool({.threads = 1});
    for (int i = 0; i < 1'000; ++i) REQUIRE(pool.Execute([&order, i] { order.push_back(i); }).ok());
  }
  REQUIRE(order.size() == 1'000);
  for (int i = 0; i < 1'000; ++i) REQUIRE(order[static_cast<size_t>(i)] == i);
}

TEST_CASE("Work that blocks holds up one thread and nothing else") {
  std::latch release{1};
  std::latch others{100};
  ThreadPool pool({.threads = 4});
  for (int i = 0; i < 3; ++i) REQUIRE(pool.Execute([&] { release.wait(); }).ok());
  for (int i = 0; i < 100; ++i) REQUIRE(pool.Execute([&] { others.count_down(); }).ok());
  others.wait();  // for ever if they stood behind the blocked ones
  release.count_down();
}

TEST_CASE("A burst reaches every thread, however often they fell asleep") {
  std::deque<std::latch>
      rounds;  // they outlive the pool: its threads leave them after this one does
  ThreadPool pool({.threads = 4});
  for (int round = 0; round < 500; ++round) {
    std::latch& all = rounds.emplace_back(4);
    for (int i = 0; i < 4; ++i) REQUIRE(pool.Execute([&] { all.arrive_and_wait(); }).ok());
    all.wait();
  }
}

TEST_CASE("Shutdown says DeadlineExceeded while work runs, and OK when called again") {
  ManualClock clock;
  std::latch release{1};
  std::atomic<int> ran{0};
  ThreadPool pool({.threads = 1, .clock = &clock});
  REQUIRE(pool.Execute([&] {
                release.wait();
                ++ran;
              })
              .ok());
  REQUIRE(pool.Execute([&] { ++ran; }).ok());
  const absl::Status late = pool.Shutdown(Deadline::In(clock, absl::ZeroDuration()));
  CHECK(late.code() == absl::StatusCode::kDeadlineExceeded);
  CHECK(pool.Execute([] {}).code() == absl::StatusCode::kUnavailable);
  release.count_down();
  CHECK(pool.Shutdown(Deadline::Infinite()).ok());
  CHECK(ran == 2);
  CHECK(pool.Shutdown(Deadline::Infinite()).ok());
}

TEST_CASE("Several threads may shut down at once") {
  ThreadPool pool({.threads = 2});
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) REQUIRE(pool.Execute([&] { ++ran; }).ok());
  std::atomic<int> ok{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] { ok += pool.Shutdown(Deadline::Infinite()).ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ok == 3);
  CHECK(ran == 100);
}

TEST_CASE("A thread of the pool cannot shut it down") {
  absl::Status status;
  std::latch done{1};
  ThreadPool pool({.threads = 2});
  REQUIRE(pool.Execute([&] {
                status = pool.Shutdown(Deadline::Infinite());
                done.count_down();
              })
              .ok());
  done.wait();
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(pool.Execute([] {}).ok());
}

TEST_CASE("The threads bear the pool's name, as much of it as fits") {
  char name[16] = {};
  std::latch done{1};
  ThreadPool pool({.threads = 1, .name = "orders-and-returns"});
  REQUIRE(pool.Execute([&] {
                // Set by the creator after the start; it comes before this work is taken.
                pthread_getname_np(pthread_self(), name, sizeof(name));
                done.count_down();
              })
              .ok());
  done.wait();
  CHECK(std::string(name) == "orders-and-retu");
}

TEST_CASE("By default there are two threads at least, and as many as processors") {
  CHECK(ThreadPool().thread_count() == std::max(2U, std::thread::hardware_concurrency()));
  CHECK(ThreadPool({.threads = 5}).thread_count() == 5);
}

TEST_CASE("What work holds is freed before the next work of that thread begins") {
  auto held = std::make_shared<int>(1);
  long users = 0;
  std::latch go{1};
  {
    ThreadPool pool({.threads = 1});
    REQUIRE(pool.Execute([&go] { go.wait(); }).ok());
    REQUIRE(pool.Execute([held] {}).ok());
    REQUIRE(pool.Execute([&] { users = held.use_count(); }).ok());
    go.count_down();
  }
  CHECK(users == 1);
}

}  // namespace
