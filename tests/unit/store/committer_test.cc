#include "skald/store/committer.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/base/mutex.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::Answers;
using testing::Durable;
using testing::LogUnit;
using testing::OpenByHand;
using testing::PollAll;
using testing::RowUnit;

constexpr auto kOk = absl::StatusCode::kOk;

TEST_CASE("Units that wait become one batch and are answered in order, once durable") {
  MemoryStore memory;
  FaultStore store(memory);
  Answers answers;
  const auto committer = OpenByHand(store);
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(committer->Enqueue(LogUnit(name), answers.As(name)).ok());
  }
  CHECK(answers.count() == 0);
  CHECK(Durable(store, "a", Space::kLog) == std::nullopt);
  CHECK(committer->PollOnce());
  CHECK(answers.Order() == std::vector<std::string>{"a", "b", "c"});
  CHECK(answers.Of("c") == kOk);
  CHECK(Durable(store, "c", Space::kLog) == "v");
  CHECK(store.commits() == 1);
  CHECK_FALSE(committer->PollOnce());
  CHECK(committer->stats().batches == 1);
  CHECK(committer->stats().units == 3);
}

TEST_CASE("Batches are filled up to the store's limits and units are never split") {
  MemoryStore memory({.limits = {.batch_bytes = 100, .value_bytes = 90, .batch_units = 3}});
  FaultStore store(memory);
  Answers answers;
  const auto committer = OpenByHand(store);
  SECTION("by bytes") {
    for (int i = 0; i < 3; ++i) {
      REQUIRE(committer->Enqueue(LogUnit("k", std::string(60, 'x')), answers.As("u")).ok());
    }
    PollAll(*committer);
    CHECK(store.commits() == 3);
  }
  SECTION("by units") {
    for (int i = 0; i < 7; ++i) REQUIRE(committer->Enqueue(LogUnit("k"), answers.As("u")).ok());
    PollAll(*committer);
    CHECK(store.commits() == 3);
  }
  SECTION("a unit over the limit is refused at once") {
    const absl::Status status =
        committer->Enqueue(LogUnit("k", std::string(91, 'x')), answers.As("u"));
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    PollAll(*committer);
    CHECK(answers.count() == 0);
  }
}

TEST_CASE("A full queue refuses new units and takes admitted ones") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store, {.queue_bytes_max = 1000});
  REQUIRE(committer->Enqueue(LogUnit("a", std::string(800, 'x')), answers.As("a")).ok());
  CHECK(committer->Enqueue(LogUnit("b", std::string(800, 'x')), answers.As("b")).code() ==
        absl::StatusCode::kResourceExhausted);
  CHECK(committer->Enqueue(LogUnit("c", std::string(800, 'x')), answers.As("c"), true).ok());
  PollAll(*committer);
  CHECK(answers.Order() == std::vector<std::string>{"a", "c"});
  CHECK(committer->Enqueue(LogUnit("b", std::string(800, 'x')), answers.As("b")).ok());
}

TEST_CASE("A new committer goes on with numbers and tickets where the last one ended") {
  MemoryStore store;
  Answers answers;
  Version first{};
  {
    const auto committer = OpenByHand(store);
    REQUIRE(committer->Enqueue(RowUnit("k", "1"), answers.As("1")).ok());
    PollAll(*committer);
    first = (*committer->Get("k"))->version;
  }
  const auto committer = OpenByHand(store);
  CHECK((*committer->Get("k"))->version == first);
  REQUIRE(committer->Enqueue(RowUnit("k", "2"), answers.As("2")).ok());
  PollAll(*committer);
  CHECK(answers.Of("2") == kOk);
  CHECK((*committer->Get("k"))->version != first);
}

TEST_CASE("Shutdown commits what is queued and then refuses") {
  MemoryStore store;
  std::atomic<int> answered = 0;
  const auto open = Committer::Open(store);
  REQUIRE(open.ok());
  Committer& committer = **open;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(committer
                .Enqueue(LogUnit(std::to_string(i)),
                         [&](const absl::Status& status) { answered += status.ok() ? 1 : 0; })
                .ok());
  }
  CHECK(committer.Shutdown(absl::InfiniteDuration()).ok());
  CHECK(answered == 1000);
  CHECK(committer.Enqueue(LogUnit("late"), nullptr).code() == absl::StatusCode::kUnavailable);
  CHECK(committer.health().ok());
}

TEST_CASE("A committer that is dropped answers what it did not commit with Unavailable") {
  MemoryStore store;
  Answers answers;
  auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(LogUnit("a"), answers.As("a")).ok());
  committer.reset();
  CHECK(answers.Of("a") == absl::StatusCode::kUnavailable);
  CHECK(Durable(store, "a", Space::kLog) == std::nullopt);
}

// Slow to hear that a committer has stopped.
struct SlowObserver final : Observer {
  std::atomic<bool> told{false};
  std::atomic<bool> heard{false};
  void OnNotice(const Notice& notice) override {
    if (notice.kind != "committer-stopped") return;
    told = true;
    MutexLock lock(mutex);
    nothing.WaitFor(mutex, absl::Milliseconds(200));
    heard = true;
  }
  Mutex mutex;
  CondVar nothing;  // is ever signalled
};

TEST_CASE("Shutdown of a committer that has failed waits for all that it still tells") {
  MemoryStore store;
  SlowObserver observer;
  std::atomic<int> answered = 0;
  const auto open = Committer::Open(store, {.observer = &observer});
  REQUIRE(open.ok());
  REQUIRE(store.Acquire(CommitterOptions().writer).ok());  // another takes its name over
  const auto answer = [&](const absl::Status& status) { answered += status.ok() ? 0 : 1; };
  REQUIRE((*open)->Enqueue(LogUnit("a"), answer).ok());
  while (!observer.told) std::this_thread::yield();
  CHECK(!(*open)->Shutdown(absl::Seconds(60)).ok());
  CHECK(observer.heard);
  CHECK(answered == 1);
}

TEST_CASE("Many threads share one writer and every unit is durable when answered") {
  constexpr int kThreads = 8;
  constexpr int kEach = 2000;
  MemoryStore store;
  const auto open = Committer::Open(store);
  REQUIRE(open.ok());
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          std::string key = std::to_string(t) + "/" + std::to_string(i);
          Unit unit = LogUnit(key);
          const absl::Status status =
              (*open)->Enqueue(std::move(unit), [&, key](const absl::Status& answer) {
                const auto row = store.Get(Space::kLog, key);
                good += answer.ok() && row.ok() && row->has_value() ? 1 : 0;
              });
          if (!status.ok()) return;
        }
      });
    }
  }
  REQUIRE((*open)->Shutdown(absl::InfiniteDuration()).ok());
  CHECK(good == kThreads * kEach);
}

TEST_CASE("A callback may enqueue more") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer
              ->Enqueue(LogUnit("a"),
                        [&](const absl::Status&) {
                          CHECK(committer->Enqueue(LogUnit("b"), answers.As("b")).ok());
                          CHECK_FALSE(committer->PollOnce());
                        })
              .ok());
  PollAll(*committer);
  CHECK(answers.Of("b") == kOk);
}

}  // namespace
}  // namespace skald
