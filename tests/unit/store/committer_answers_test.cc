// Many callers are answered while the next group is committed: in order, each once, and not before
// its own group is durable.
#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/store/committer.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::RowUnit;

// So many that they are answered by a thread of their own.
constexpr int kMany = 600;

// A door that threads wait at.
class Door {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    while (!open_) changed_.Wait(mutex_);
  }
  // RETURNS: false: it did not open in time.
  bool PassWithin(absl::Duration most) {
    const absl::Duration end = Clock::Real().Boot() + most;
    MutexLock lock(mutex_);
    while (!open_) {
      const absl::Duration left = end - Clock::Real().Boot();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ SKALD_GUARDED_BY(mutex_) = false;
};

// Its first commit waits at a door; the `fails_from`th and all behind it fail.
class GatedStore final : public ForwardingStore {
 public:
  explicit GatedStore(Store& target) : ForwardingStore(target) {}

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    if (commits_ == 0) {
      at_first.Open();
      first.Pass();
    }
    if (commits_++ >= fails_from) return absl::AbortedError("another has the name");
    return ForwardingStore::Commit(fence, batch);
  }

  int commits() const { return commits_; }  // also those that failed

  Door at_first, first;
  std::atomic<int> fails_from = 1'000'000;

 private:
  std::atomic<int> commits_ = 0;
};

struct Answered {
  Mutex mutex;
  std::vector<std::pair<int, absl::StatusCode>> all SKALD_GUARDED_BY(mutex);
  std::atomic<int> inside = 0;  // callbacks at this moment
  std::atomic<bool> together = false;

  // `before`: what it does first.
  CommitCallback As(int number, std::function<void()> before = nullptr) {
    return [this, number, before = std::move(before)](const absl::Status& status) {
      if (++inside > 1) together = true;
      if (before) before();
      {
        MutexLock lock(mutex);
        all.emplace_back(number, status.code());
      }
      --inside;
    };
  }
  size_t count() {
    MutexLock lock(mutex);
    return all.size();
  }
  std::vector<std::pair<int, absl::StatusCode>> Take() {
    MutexLock lock(mutex);
    return all;
  }
};

std::unique_ptr<Committer> Open(Store& store, Observer* observer = nullptr) {
  auto committer = Committer::Open(store, {.writer = "w", .observer = observer});
  REQUIRE(committer.ok());
  return *std::move(committer);
}

void EnqueueMany(Committer& committer, int first, Answered& answered) {
  for (int i = first; i < first + kMany; ++i) {
    REQUIRE(committer.Enqueue(RowUnit("k" + std::to_string(i)), answered.As(i)).ok());
  }
}

// A unit alone, whose commit waits at the store's door until what is to be one group is queued.
void HoldFirst(Committer& committer, GatedStore& store) {
  REQUIRE(committer.Enqueue(RowUnit("first"), nullptr).ok());
  store.at_first.Pass();
}

void CheckInOrder(const std::vector<std::pair<int, absl::StatusCode>>& answers, int count) {
  REQUIRE(answers.size() == static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) REQUIRE(answers[i] == std::pair(i, absl::StatusCode::kOk));
}

}  // namespace

TEST_CASE("The next group is committed while one that many wait for is answered") {
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  Answered answered;
  Door next_durable;
  std::atomic<bool> beside = false;
  {
    const auto committer = Open(store);
    HoldFirst(*committer, store);
    // The first of the group's callbacks waits until the next group is durable: on the writer's
    // thread it would wait for itself.
    REQUIRE(committer
                ->Enqueue(RowUnit("waits"),
                          [&](const absl::Status&) {
                            beside = next_durable.PassWithin(absl::Seconds(30));
                          })
                .ok());
    for (int i = 0; i < kMany - 1; ++i) {
      REQUIRE(committer->Enqueue(RowUnit("a" + std::to_string(i)), nullptr).ok());
    }
    REQUIRE(committer->Enqueue(RowUnit("next"), answered.As(0)).ok());
    std::thread watch([&] {
      while (!memory.Get(Space::kRows, "next")->has_value()) std::this_thread::yield();
      next_durable.Open();
    });
    store.first.Open();
    watch.join();
    CHECK(committer->Shutdown(absl::Seconds(30)).ok());
  }
  CHECK(beside);
  CheckInOrder(answered.Take(), 1);
}

TEST_CASE("Answers come in the order of the units, whoever gives them") {
  MemoryStore memory({.limits = {.batch_units = 300}});
  GatedStore store(memory);
  Answered answered;
  int count = 0;
  {
    const auto committer = Open(store);
    HoldFirst(*committer, store);
    store.first.Open();
    SeededRandom random(4);
    // Large groups and small ones, some of them after a while without any.
    for (int round = 0; round < 200; ++round) {
      const auto units = random.Below(3) == 0 ? 1 + random.Below(700) : 1 + random.Below(5);
      for (uint64_t i = 0; i < units; ++i, ++count) {
        REQUIRE(committer->Enqueue(RowUnit("k" + std::to_string(count)), answered.As(count)).ok());
      }
      if (random.Below(4) == 0) REQUIRE(committer->Begin().Get("k0").ok());
      if (random.Below(8) == 0) std::this_thread::yield();
    }
    REQUIRE(committer->Shutdown(absl::Seconds(60)).ok());
    CheckInOrder(answered.Take(), count);  // Shutdown waits for all of them
    CHECK(committer->stats().overlay_rows == 0);
  }
}

TEST_CASE(
    "Groups that were durable when the committer stopped are told so, and before all others") {
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  store.fails_from = 3;  // the held one and two groups are durable
  const bool shut_down = GENERATE(true, false);
  Answered answered;
  Door stopped;
  {
    const auto committer = Open(store);
    HoldFirst(*committer, store);
    for (int group = 0; group < 4; ++group) EnqueueMany(*committer, group * kMany, answered);
    store.first.Open();
    // Dropped, which leaves what is queued, or shut down: both answer all.
    if (shut_down) {
      CHECK(committer->Shutdown(absl::Seconds(30)).code() == absl::StatusCode::kUnavailable);
    }
  }
  const auto answers = answered.Take();
  REQUIRE(answers.size() == 4 * kMany);
  int durable = 0;
  for (int i = 0; i < 4 * kMany; ++i) {
    REQUIRE(answers[i].first == i);
    if (answers[i].second == absl::StatusCode::kOk) {
      REQUIRE(i == durable++);
    } else {
      REQUIRE(answers[i].second == absl::StatusCode::kUnavailable);
    }
  }
  INFO(durable << " were durable");
  CHECK((shut_down ? durable == 2 * kMany : durable % kMany == 0));
}

TEST_CASE("Groups that are durable while one is answered wait for it, and come one by one") {
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  Answered answered;
  Door door;
  const auto committer = Open(store);
  HoldFirst(*committer, store);
  REQUIRE(committer->Enqueue(RowUnit("k0"), answered.As(0, [&] { door.Pass(); })).ok());
  for (int i = 1; i < 5 * kMany; ++i) {
    REQUIRE(committer->Enqueue(RowUnit("k" + std::to_string(i)), answered.As(i)).ok());
  }
  store.first.Open();
  // Two groups more are durable, and no third: it would only be memory.
  const auto durable = [&](int i) {
    return memory.Get(Space::kRows, "k" + std::to_string(i))->has_value();
  };
  while (!durable(3 * kMany - 1)) std::this_thread::yield();
  CHECK(!durable(3 * kMany));
  CHECK(answered.count() == 0);
  // Whoever waits for the end does so in vain, and is told.
  CHECK(committer->Shutdown(absl::Milliseconds(50)).code() == absl::StatusCode::kDeadlineExceeded);
  door.Open();
  // Also who asks again: not all of it was committed.
  CHECK(committer->Shutdown(absl::Seconds(30)).code() == absl::StatusCode::kDeadlineExceeded);
  const auto answers = answered.Take();
  REQUIRE(answers.size() == 5 * kMany);
  for (int i = 0; i < 5 * kMany; ++i) {
    REQUIRE(answers[i].first == i);
    REQUIRE((answers[i].second == absl::StatusCode::kOk) == durable(i));
  }
  CHECK(!answered.together);
}

TEST_CASE("Nobody hears of a stop before those whose commit is durable") {
  class Listener final : public Observer {
   public:
    void OnNotice(const Notice& notice) override {
      if (notice.kind == "committer-stopped") then = answered->count();
    }
    Answered* answered = nullptr;
    std::atomic<size_t> then = 0;
  };
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  store.fails_from = 2;  // the held one and a group are durable
  Answered answered;
  Listener listener;
  listener.answered = &answered;
  Door door;
  std::atomic<bool> took_more = false;
  {
    const auto committer = Open(store, &listener);
    HoldFirst(*committer, store);
    REQUIRE(committer
                ->Enqueue(RowUnit("k0"), answered.As(0,
                                                     [&] {
                                                       door.Pass();
                                                       took_more = committer->health().ok();
                                                     }))
                .ok());
    for (int i = 1; i < 2 * kMany; ++i) {
      REQUIRE(committer->Enqueue(RowUnit("k" + std::to_string(i)), answered.As(i)).ok());
    }
    std::thread opener([&] {
      // By then the next group has failed, if it is going to.
      while (store.commits() < 3) std::this_thread::yield();
      door.Open();
    });
    store.first.Open();
    opener.join();
    CHECK(committer->Shutdown(absl::Seconds(30)).code() == absl::StatusCode::kUnavailable);
  }
  CHECK(took_more);
  CHECK(listener.then == kMany);
  CHECK(answered.count() == 2 * kMany);
  CHECK(!answered.together);
}

TEST_CASE("A conflict is told behind those that were durable before it") {
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  Answered answered;
  Door door;
  auto opened = Committer::Open(store, {.writer = "w", .shared_rows = true});
  REQUIRE(opened.ok());
  const auto committer = *std::move(opened);
  // Read before another writer changes it.
  Transaction late = committer->Begin();
  REQUIRE(late.Get("shared").ok());
  late.Put("shared", "late");
  {
    const auto other = Committer::Open(memory, {.writer = "other", .shared_rows = true});
    REQUIRE(other.ok());
    Transaction first = (*other)->Begin();
    first.Put("shared", "first");
    REQUIRE(std::move(first).Commit().ok());
    REQUIRE((*other)->Shutdown(absl::Seconds(30)).ok());
  }
  HoldFirst(*committer, store);
  REQUIRE(committer->Enqueue(RowUnit("k0"), answered.As(0, [&] { door.Pass(); })).ok());
  for (int i = 1; i < kMany; ++i) {
    REQUIRE(committer->Enqueue(RowUnit("k" + std::to_string(i)), answered.As(i)).ok());
  }
  REQUIRE(std::move(late).CommitThen(answered.As(kMany)).ok());
  store.first.Open();
  while (store.commits() < 3) std::this_thread::yield();
  door.Open();
  REQUIRE(committer->Shutdown(absl::Seconds(30)).ok());
  const auto answers = answered.Take();
  REQUIRE(answers.size() == kMany + 1);
  CHECK(answers.back() == std::pair(kMany, absl::StatusCode::kAborted));
  CHECK(!answered.together);
}

TEST_CASE("A callback of a large group may enqueue, and may not wait for a commit") {
  MemoryStore memory({.limits = {.batch_units = kMany}});
  GatedStore store(memory);
  Answered answered;
  std::atomic<int> refused = 0, more = 0;
  const auto committer = Open(store);
  HoldFirst(*committer, store);
  for (int i = 0; i < kMany; ++i) {
    REQUIRE(committer
                ->Enqueue(RowUnit("k" + std::to_string(i)),
                          [&](const absl::Status&) {
                            Transaction tx = committer->Begin();
                            tx.Put("t", "v");
                            refused += std::move(tx).Commit().code() ==
                                       absl::StatusCode::kFailedPrecondition;
                            more += committer->Enqueue(RowUnit("more"), nullptr).ok();
                          })
                .ok());
  }
  REQUIRE(committer->Enqueue(RowUnit("next"), nullptr).ok());
  store.first.Open();
  while (more < kMany) std::this_thread::yield();
  CHECK(refused == kMany);
  CHECK(committer->Shutdown(absl::Seconds(30)).ok());
}

TEST_CASE("Many threads are each answered for their own unit, durable by then") {
  MemoryStore memory;
  std::atomic<int> wrong = 0, answers = 0;
  constexpr int kThreads = 4;
  constexpr int kUnits = 5000;
  {
    const auto committer = Open(memory);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kUnits; ++i) {
          const std::string key = std::to_string(thread) + "/" + std::to_string(i);
          const absl::Status queued = committer->Enqueue(
              RowUnit(key), [&memory, &wrong, &answers, key](const absl::Status& status) {
                const auto row = memory.Get(Space::kRows, key);
                if (!status.ok() || !row.ok() || !row->has_value()) ++wrong;
                ++answers;
              });
          if (!queued.ok()) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    REQUIRE(committer->Shutdown(absl::Seconds(60)).ok());
  }
  CHECK(wrong == 0);
  CHECK(answers == kThreads * kUnits);
}

}  // namespace skald
