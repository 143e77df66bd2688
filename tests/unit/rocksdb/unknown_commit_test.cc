// A commit whose write, sync or mark fails has an unknown outcome: nothing is acknowledged, the
// store reopens by itself, and the identical batch settles it.
#include <atomic>
#include <thread>

#include "skald/rocksdb/testing/fault_file_system.h"
#include "support.h"

namespace skald {
namespace {

struct Fixture {
  TemporaryDirectory directory;
  std::shared_ptr<FaultFileSystem> disk = FaultFileSystem::Make();
  ManualClock clock;
  NotingObserver observer;
  std::unique_ptr<Store> store =
      MustOpen(directory / "s",
               {.observer = &observer, .clock = &clock, .reopen_delay_min = absl::Seconds(1)},
               {.file_system = disk});
  Acquired acquired = MustAcquire(*store);
};

void CheckUnknown(const absl::StatusOr<CommitResult>& result) {
  INFO(result.status().ToString());
  CHECK(result.status().code() == absl::StatusCode::kUnavailable);
  CHECK(MessageOf(result.status()).find("outcome is unknown") != std::string::npos);
}

}  // namespace

TEST_CASE("after a failed write of the log the same batch settles once the store is open again") {
  Fixture f;
  MustCommit(*f.store, f.acquired.fence, PutBoth(f.acquired, 1, "a", "1"));
  f.disk->FailWrite({.only = ".log"});
  const Batch batch = PutBoth(f.acquired, 2, "b", "2");
  CheckUnknown(f.store->Commit(f.acquired.fence, batch));
  CHECK(f.observer.Count("store-closed") == 1);
  CheckUnknown(f.store->Commit(f.acquired.fence, batch));  // too early: the pause is not over
  CHECK(f.observer.Count("store-reopened") == 0);
  f.clock.Advance(absl::Seconds(2));
  MustCommit(*f.store, f.acquired.fence, batch);
  CHECK(f.observer.Count("store-reopened") == 1);
  CHECK(ValueOf(*f.store, Space::kRows, "a") == "1");
  CHECK(ValueOf(*f.store, Space::kRows, "b") == "2");
}

TEST_CASE("a failed sync is never acknowledged, and what it left is made durable before it is") {
  Fixture f;
  SeededRandom random(1);
  f.disk->FailSync({.only = ".log"});
  const Batch batch = PutBoth(f.acquired, 1, "a", "1");
  CheckUnknown(f.store->Commit(f.acquired.fence, batch));
  f.clock.Advance(absl::Seconds(2));
  MustCommit(*f.store, f.acquired.fence, batch);
  // The file whose sync failed is lost from there on, whatever was synced later.
  f.disk->LosePower();
  f.store.reset();
  f.disk->Restart(Unsynced::kDropped, random);
  f.store = MustOpen(f.directory / "s", {}, {.file_system = f.disk});
  CHECK(ValueOf(*f.store, Space::kRows, "a") == "1");
  CHECK(ValueOf(*f.store, Space::kLog, "a") == "1");
}

TEST_CASE("a mark that cannot be written leaves the outcome unknown, though the batch is there") {
  Fixture f;
  f.disk->FailWrite({.only = "MARK"});
  const Batch batch = PutBoth(f.acquired, 1, "a", "1");
  CheckUnknown(f.store->Commit(f.acquired.fence, batch));
  f.clock.Advance(absl::Seconds(2));
  MustCommit(*f.store, f.acquired.fence, batch);
  CHECK(ValueOf(*f.store, Space::kRows, "a") == "1");
}

TEST_CASE("the pauses between attempts to reopen grow, and reads try too") {
  Fixture f;
  f.disk->FailWrite({.for_good = true, .only = "rocksdb"});
  const Batch batch = PutBoth(f.acquired, 1, "a", "1");
  CheckUnknown(f.store->Commit(f.acquired.fence, batch));
  // 1 s, then 2 s (the most that the options allow).
  for (int i = 0; i < 3; ++i) {
    f.clock.Advance(absl::Seconds(2));
    CheckUnknown(f.store->Commit(f.acquired.fence, batch));
    CheckUnknown(f.store->Commit(f.acquired.fence, batch));
    CHECK(f.observer.Count("store-not-reopened") == static_cast<size_t>(i + 1));
  }
  CHECK(f.store->Get(Space::kRows, "a").status().code() == absl::StatusCode::kUnavailable);
  CHECK(f.store->Scan(Space::kRows, {}).status().code() == absl::StatusCode::kUnavailable);
  f.disk->Heal();
  f.clock.Advance(absl::Seconds(2));
  CHECK(ValueOf(*f.store, Space::kRows, "other") == std::nullopt);
  CHECK(f.observer.Count("store-reopened") == 1);
  MustCommit(*f.store, f.acquired.fence, batch);
}

TEST_CASE("a full disk is left by itself when there is room again, with nothing lost") {
  Fixture f;
  const std::string value(2000, 'x');
  uint64_t index = 0;
  for (int round = 0; round < 5; ++round) {
    f.disk->SetFreeBytes(30'000);
    absl::StatusOr<CommitResult> result;
    Batch batch;
    do {
      ++index;
      batch = PutBoth(f.acquired, index, fmt::format("{:06}", index), value);
      result = f.store->Commit(f.acquired.fence, batch);
    } while (result.ok());
    CheckUnknown(result);
    f.disk->SetFreeBytes(0);
    f.clock.Advance(absl::Seconds(2));
    CheckUnknown(f.store->Commit(f.acquired.fence, batch));
    f.disk->Heal();
    f.clock.Advance(absl::Seconds(2));
    MustCommit(*f.store, f.acquired.fence, batch);
  }
  CHECK(KeysOf(*f.store, Space::kRows).size() == index);
  CHECK(KeysOf(*f.store, Space::kLog).size() == index);
  CHECK(f.observer.Count("store-reopened") == 5);
}

TEST_CASE("an error in the background is told and closes the database before the next commit") {
  const TemporaryDirectory directory;
  const auto disk = FaultFileSystem::Make();
  const ManualClock clock;
  NotingObserver observer;
  // Every table file fails: the flush of a full buffer is the first to meet it.
  auto store = MustOpen(directory / "s", {.observer = &observer},
                        {.file_system = disk, .write_buffer_bytes = 64 * 1024});
  const Acquired acquired = MustAcquire(*store);
  disk->FailWrite({.for_good = true, .only = ".sst"});
  uint64_t index = 0;
  absl::StatusOr<CommitResult> result;
  const std::string value(4000, 'x');
  do {
    ++index;
    result =
        store->Commit(acquired.fence, PutBoth(acquired, index, fmt::format("{:06}", index), value));
  } while (result.ok() && index < 100'000);
  CheckUnknown(result);
  CHECK(observer.Count("store-background-error") >= 1);
  disk->Heal();
  do {
    result =
        store->Commit(acquired.fence, PutBoth(acquired, index, fmt::format("{:06}", index), value));
  } while (!result.ok());
  CHECK(KeysOf(*store, Space::kRows).size() == index);
}

TEST_CASE("a cursor ends with a status when its database is closed after an error") {
  Fixture f;
  MustCommit(*f.store, f.acquired.fence, PutBoth(f.acquired, 1, "a", "1"));
  MustCommit(*f.store, f.acquired.fence, PutBoth(f.acquired, 2, "b", "2"));
  auto cursor = f.store->Scan(Space::kLog, {});
  REQUIRE(cursor.ok());
  f.disk->FailSync({.only = ".log"});
  CheckUnknown(f.store->Commit(f.acquired.fence, PutBoth(f.acquired, 3, "c", "3")));
  CHECK((*cursor)->key() == "a");
  (*cursor)->Next();
  CHECK_FALSE((*cursor)->Valid());
  CHECK((*cursor)->status().code() == absl::StatusCode::kUnavailable);
}

TEST_CASE("reads and scans in other threads live through closing and reopening") {
  Fixture f;
  MustCommit(*f.store, f.acquired.fence, PutBoth(f.acquired, 1, "a", "1"));
  std::atomic<bool> stop{false};
  std::atomic<int> read{0};
  std::atomic<int> wrong{0};
  const auto reader = [&] {
    while (!stop) {
      auto row = f.store->Get(Space::kRows, "a");
      if (row.ok()) ++read;
      if (row.ok() ? !row->has_value() : !absl::IsUnavailable(row.status())) ++wrong;
      auto cursor = f.store->Scan(Space::kLog, {});
      if (!cursor.ok()) continue;
      while ((*cursor)->Valid()) (*cursor)->Next();
      if (!(*cursor)->status().ok() && !absl::IsUnavailable((*cursor)->status())) ++wrong;
    }
  };
  std::thread first(reader);
  std::thread second(reader);
  for (uint64_t index = 2; index < 32; ++index) {
    f.disk->FailSync({.only = ".log"});
    const Batch batch = PutBoth(f.acquired, index, fmt::format("{:04}", index), "v");
    CheckUnknown(f.store->Commit(f.acquired.fence, batch));
    f.clock.Advance(absl::Seconds(2));
    MustCommit(*f.store, f.acquired.fence, batch);
  }
  stop = true;
  first.join();
  second.join();
  CHECK(read > 0);
  CHECK(wrong == 0);
}

}  // namespace skald
