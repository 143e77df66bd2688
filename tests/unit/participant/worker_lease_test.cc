// Worker numbers for id generators: one process each, however they come and go.
#include "skald/participant/worker_lease.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/base/random.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using namespace skald;

// A process over the shared store.
struct Process {
  Process(MemoryStore& store, const std::string& name, const std::string& writer = "")
      : holder(name) {
    committer =
        *Committer::Open(store, {.writer = writer.empty() ? name : writer, .shared_rows = true});
  }
  absl::Status Take(WorkerLeaseOptions options = {}) {
    options.holder = holder;
    options.random = &random;
    auto taken = WorkerLease::Take(*committer, options);
    if (taken.ok()) worker = *std::move(taken);
    return taken.status();
  }
  absl::Status Open(const Clock* clock = &Clock::Real()) {
    auto opened = IdGenerator::Open(
        *committer, {.worker = worker->worker(), .lease = &worker->lease(), .clock = clock});
    if (opened.ok()) ids = *std::move(opened);
    return opened.status();
  }

  std::string holder;
  SeededRandom random{1};
  std::unique_ptr<Committer> committer;
  std::unique_ptr<WorkerLease> worker;
  std::unique_ptr<IdGenerator> ids;
};

TEST_CASE("each process has a number of its own, and none of two ids is the same") {
  MemoryStore store;
  std::vector<std::unique_ptr<Process>> processes;
  std::set<uint16_t> workers;
  std::set<uint64_t> ids;
  for (int i = 0; i < 8; ++i) {
    processes.push_back(std::make_unique<Process>(store, "p" + std::to_string(i)));
    REQUIRE(processes.back()->Take({.workers = 8}).ok());
    REQUIRE(processes.back()->Open().ok());
    workers.insert(processes.back()->worker->worker());
  }
  CHECK(workers.size() == 8);
  for (int round = 0; round < 100; ++round) {
    for (const auto& process : processes) {
      const auto id = process->ids->Next();
      REQUIRE(id.ok());
      ids.insert(*id);
    }
  }
  CHECK(ids.size() == 800);
}

TEST_CASE("processes that start at once get different numbers") {
  MemoryStore store;
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 6; ++i) {
    processes.push_back(std::make_unique<Process>(store, "p" + std::to_string(i)));
  }
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (const auto& process : processes) {
    threads.emplace_back([&] { taken += process->Take({.workers = 6}).ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(taken == 6);
  std::set<uint16_t> workers;
  for (const auto& process : processes) workers.insert(process->worker->worker());
  CHECK(workers.size() == 6);
}

TEST_CASE("a number that was given up is free at once") {
  MemoryStore store;
  Process a(store, "a"), b(store, "b");
  REQUIRE(a.Take({.workers = 1}).ok());
  a.worker.reset();
  REQUIRE(b.Take({.workers = 1, .wait_max = absl::ZeroDuration()}).ok());
}

TEST_CASE("a process that is started again has the number of its earlier life") {
  MemoryStore store;
  uint16_t before = 0;
  // Never given up: the lease's thread ends with a committer that is gone.
  std::vector<std::unique_ptr<Process>> dead;
  for (int life = 0; life < 5; ++life) {
    auto process = std::make_unique<Process>(store, "pod-7");
    REQUIRE(process->Take().ok());
    if (life > 0) CHECK(process->worker->worker() == before);
    before = process->worker->worker();
    dead.push_back(std::move(process));
  }
}

TEST_CASE("where all numbers are held, that says so, and names a holder") {
  MemoryStore store;
  Process a(store, "a"), b(store, "b");
  REQUIRE(a.Take({.workers = 1}).ok());
  const absl::Status refused = b.Take({.workers = 1, .wait_max = absl::Milliseconds(200)});
  CHECK(absl::IsResourceExhausted(refused));
  CHECK_THAT(std::string(refused.message()), Catch::Matchers::Contains("'a'"));
  CHECK(a.worker->lease().Held());
}

TEST_CASE("of a holder that is gone the number is free when its lease has run out") {
  MemoryStore store;
  {
    // A holder that is not heard of any more: its row stays.
    const auto committer = *Committer::Open(store, {.writer = "gone", .shared_rows = true});
    auto lease = *Lease::Open(*committer, {.name = "ids.000",
                                           .holder = "gone",
                                           .duration = absl::Milliseconds(60),
                                           .own_thread = false});
    lease->Poll();
    REQUIRE(committer->Shutdown(absl::Seconds(10)).ok());
  }
  Process b(store, "b");
  REQUIRE(b.Take({.workers = 1, .duration = absl::Milliseconds(60)}).ok());
  CHECK(b.worker->worker() == 0);
}

TEST_CASE("a generator whose number was taken gives out no id of its successor's, then none") {
  MemoryStore store;
  ManualClock clock;
  Process a(store, "pod", "a"), b(store, "pod", "b");
  REQUIRE(a.Take().ok());
  REQUIRE(a.Open(&clock).ok());
  REQUIRE(a.ids->TryNext().ok());
  REQUIRE(b.Take().ok());  // as after a restart, but the earlier one lives
  REQUIRE(b.worker->worker() == a.worker->worker());
  REQUIRE(b.Open(&clock).ok());
  std::set<uint64_t> ids;
  size_t given = 0;
  absl::Status end;
  for (int i = 0; i < 100'000 && end.ok(); ++i) {
    const auto of_a = a.ids->TryNext();
    const auto of_b = b.ids->TryNext();
    if (of_a.ok()) ids.insert(*of_a);
    if (of_b.ok()) ids.insert(*of_b);
    given += of_a.ok() + of_b.ok();
    if (absl::IsAborted(of_a.status())) end = of_a.status();
    if (i % 50 == 0) clock.Advance(absl::Milliseconds(1));
  }
  CHECK(ids.size() == given);
  CHECK(absl::IsAborted(end));
  CHECK_THAT(std::string(end.message()), Catch::Matchers::Contains("taken worker"));
}

TEST_CASE("a generator reserves nothing while its lease is not held") {
  MemoryStore store;
  ManualClock clock;
  Process a(store, "a");
  const auto lease = *Lease::Open(
      *a.committer, {.name = "ids.005", .holder = "a", .own_thread = false, .clock = &clock});
  const auto refused =
      IdGenerator::Open(*a.committer, {.worker = 5, .lease = lease.get(), .clock = &clock});
  CHECK(absl::IsUnavailable(refused.status()));
  CHECK_THAT(std::string(refused.status().message()), Catch::Matchers::Contains("worker 5"));
}

TEST_CASE("options of a worker's lease that make no sense are refused") {
  MemoryStore store;
  Process a(store, "a");
  CHECK(absl::IsInvalidArgument(a.Take({.workers = 0})));
  CHECK(absl::IsInvalidArgument(a.Take({.workers = 257})));
  CHECK(absl::IsInvalidArgument(a.Take({.name = "no/name"})));
  CHECK(absl::IsInvalidArgument(a.Take({.wait_max = -absl::Seconds(1)})));
}

TEST_CASE("a process that ended in order has the same number when it starts again") {
  MemoryStore store;
  uint16_t before = 0;
  for (int life = 0; life < 4; ++life) {
    Process process(store, "pod-7");
    REQUIRE(process.Take().ok());
    if (life > 0) CHECK(process.worker->worker() == before);
    before = process.worker->worker();
    process.worker.reset();
  }
}

}  // namespace
}  // namespace skald_test
