#include "executor_contract.h"

#include <deque>
#include <latch>
#include <thread>

#include "catch.h"
#include "skald/async/manual_executor.h"
#include "skald/async/thread_pool.h"

namespace {

using skald::Deadline;
using skald::Executor;
using skald::ForwardingExecutor;
using skald::ManualExecutor;
using skald::ThreadPool;

struct ManualHarness {
  static constexpr size_t kQueueCapacity = 50;
  ManualExecutor manual{kQueueCapacity};

  Executor& executor() { return manual; }
  void RunAll() { manual.RunUntilIdle(); }
  void Shutdown() { manual.Shutdown(); }
  void HoldWorkers() {}
  void LetGo() {}
};

struct PoolHarness {
  static constexpr size_t kQueueCapacity = 50;
  std::deque<std::latch> latches;  // they outlive the pool, whose threads leave them last
  std::latch gate{1};
  bool shut_down = false;
  ThreadPool pool{{.threads = 3, .queue_capacity = kQueueCapacity}};

  Executor& executor() { return pool; }
  // A work for each thread, none of which ends before all of them run: by then all older work has
  // run.
  void RunAll() {
    if (!shut_down) OccupyEachThread([](std::latch& all) { all.arrive_and_wait(); });
  }
  void Shutdown() {
    REQUIRE(pool.Shutdown(Deadline::Infinite()).ok());
    shut_down = true;
  }
  void HoldWorkers() {
    OccupyEachThread([this](std::latch& all) {
      all.count_down();
      gate.wait();
    });
  }
  void LetGo() { gate.count_down(); }

 private:
  template <typename Arrive>
  void OccupyEachThread(Arrive arrive) {
    std::latch& all = latches.emplace_back(static_cast<std::ptrdiff_t>(pool.thread_count()));
    for (size_t i = 0; i < pool.thread_count(); ++i) {
      while (!pool.Execute([&all, arrive] { arrive(all); }).ok()) std::this_thread::yield();
    }
    all.wait();
  }
};

struct ForwardingHarness : ManualHarness {
  ForwardingExecutor forwarding{manual};
  Executor& executor() { return forwarding; }
};

TEST_CASE("The manual executor keeps the executor's contract") {
  skald_test::CheckExecutorContract<ManualHarness>();
}

TEST_CASE("The thread pool keeps the executor's contract") {
  skald_test::CheckExecutorContract<PoolHarness>();
}

TEST_CASE("The forwarding executor keeps the executor's contract") {
  skald_test::CheckExecutorContract<ForwardingHarness>();
}

}  // namespace
