// What every Executor must do, as async/executor.h says. An implementation brings a harness:
//
//   struct Harness {
//     static constexpr size_t kQueueCapacity = …;   // with which executor() was made
//     Executor& executor();
//     void RunAll();                                // returns when all work that was taken has run
//     void Shutdown();
//     void HoldWorkers();                           // from now on nothing is taken from the queue
//     … void LetGo();                                 // … until this
//   };
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/async/executor.h"

namespace skald_test {

template <typename Harness>
void EachWorkRunsOnceAndLater() {
  Harness harness;
  harness.HoldWorkers();
  std::vector<int> runs(Harness::kQueueCapacity);
  for (int& run : runs) REQUIRE(harness.executor().Execute([&run] { ++run; }).ok());
  for (const int run : runs) REQUIRE(run == 0);
  harness.LetGo();
  harness.RunAll();
  for (const int run : runs) REQUIRE(run == 1);
}

template <typename Harness>
void MoveOnlyWorkIsTakenAndFreed() {
  Harness harness;
  auto held = std::make_shared<int>(7);
  std::atomic<int> seen{0};
  auto work = [&seen, owned = std::make_unique<int>(3), held] { seen = *owned + *held; };
  REQUIRE(harness.executor().Execute(std::move(work)).ok());
  harness.RunAll();
  CHECK(seen == 10);
  CHECK(held.use_count() == 1);
}

template <typename Harness>
void AFullQueueRefusesAndLeavesTheWorkAlone() {
  Harness harness;
  harness.HoldWorkers();
  std::atomic<int> ran{0};
  for (size_t i = 0; i < Harness::kQueueCapacity; ++i) {
    REQUIRE(harness.executor().Execute([&ran] { ++ran; }).ok());
  }
  skald::Work refused = [&ran] { ran += 1'000; };
  CHECK(harness.executor().Execute(std::move(refused)).code() ==
        absl::StatusCode::kResourceExhausted);
  REQUIRE(refused != nullptr);
  harness.LetGo();
  harness.RunAll();
  CHECK(ran == static_cast<int>(Harness::kQueueCapacity));
  CHECK(harness.executor().Execute(std::move(refused)).ok());
  harness.RunAll();
  CHECK(ran == static_cast<int>(Harness::kQueueCapacity) + 1'000);
}

template <typename Harness>
void AShutDownExecutorRefusesAndLeavesTheWorkAlone() {
  Harness harness;
  harness.Shutdown();
  bool ran = false;
  skald::Work work = [&ran] { ran = true; };
  CHECK(harness.executor().Execute(std::move(work)).code() == absl::StatusCode::kUnavailable);
  REQUIRE(work != nullptr);
  std::move(work)();
  CHECK(ran);
}

template <typename Harness>
void WorkTakenBeforeAShutdownRuns() {
  Harness harness;
  harness.HoldWorkers();
  std::atomic<int> ran{0};
  for (int i = 0; i < 5; ++i) REQUIRE(harness.executor().Execute([&ran] { ++ran; }).ok());
  harness.LetGo();
  harness.Shutdown();
  harness.RunAll();
  CHECK(ran == 5);
}

template <typename Harness>
void WorkCanSubmitWork() {
  Harness harness;
  std::atomic<int> left{100};
  std::atomic<int> refused{0};  // nothing is asserted on another thread than the test's
  struct Again {
    skald::Executor* executor;
    std::atomic<int>* left;
    std::atomic<int>* refused;
    void operator()() const {
      if (left->fetch_sub(1) > 1) *refused += !executor->Execute(Again(*this)).ok();
    }
  };
  REQUIRE(harness.executor().Execute(Again{&harness.executor(), &left, &refused}).ok());
  // Each round runs at least the work that stood in the queue when it began.
  for (int round = 0; round < 100 && left > 0; ++round) harness.RunAll();
  CHECK(left == 0);
  CHECK(refused == 0);
}

template <typename Harness>
void ManyThreadsSubmitAtOnce() {
  Harness harness;
  std::atomic<int> ran{0};
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) taken += harness.executor().Execute([&ran] { ++ran; }).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  harness.RunAll();
  CHECK(taken >= static_cast<int>(Harness::kQueueCapacity));
  CHECK(ran == taken);
}

template <typename Harness>
void CheckExecutorContract() {
  SECTION("each work runs once, and never within Execute") {
    EachWorkRunsOnceAndLater<Harness>();
  }
  SECTION("move-only work is taken, and freed when it has run") {
    MoveOnlyWorkIsTakenAndFreed<Harness>();
  }
  SECTION("a full queue refuses and leaves the work alone") {
    AFullQueueRefusesAndLeavesTheWorkAlone<Harness>();
  }
  SECTION("a shut down executor refuses and leaves the work alone") {
    AShutDownExecutorRefusesAndLeavesTheWorkAlone<Harness>();
  }
  SECTION("work taken before a shutdown runs") {
    WorkTakenBeforeAShutdownRuns<Harness>();
  }
  SECTION("work can submit work") {
    WorkCanSubmitWork<Harness>();
  }
  SECTION("many threads submit at once") {
    ManyThreadsSubmitAtOnce<Harness>();
  }
}

}  // namespace skald_test
