// What RocksDB writes by itself keeps to a pace.
#include "background_pace.h"

#include <stdexcept>
#include <thread>

#include "database.h"
#include "support.h"

namespace skald {
namespace {

using rocks::BackgroundPace;
using rocks::CompactionPercent;
using rocks::kFlushPercent;
using rocks::kFlushQuietMax;
using rocks::kLevel0More;
using rocks::kLevel0Most;
using rocks::kLevel0Trigger;
using rocks::PaceBudget;

constexpr int64_t kPiece = PaceBudget::kBurst;
constexpr uint64_t kFlush = uint64_t{64} << 20;

TEST_CASE("a flush goes half as fast again as what is committed meanwhile") {
  PaceBudget budget(kFlushQuietMax);
  uint64_t committed = 1;
  uint64_t flushed = 0;
  (void)budget.Take(kPiece, committed,
                    kFlushPercent);  // a commit is seen: the store is not at rest
  while (flushed < kFlush) {
    committed += uint64_t{kPiece};
    while (budget.Take(kPiece, committed, kFlushPercent)) flushed += uint64_t{kPiece};
  }
  CHECK(committed > kFlush * 3 / 5);
  CHECK(committed <= kFlush * 2 / 3 + uint64_t{2 * kPiece});
}

TEST_CASE("a flush ends in seconds, however little is committed") {
  PaceBudget budget(kFlushQuietMax);
  uint64_t committed = 0;
  uint64_t flushed = 0;
  int waits = 0;
  while (flushed < kFlush) {
    if (budget.Take(kPiece, ++committed, kFlushPercent)) {
      flushed += uint64_t{kPiece};
    } else {
      ++waits;
    }
  }
  CHECK(waits * PaceBudget::kSlice > absl::Seconds(3));
  CHECK(waits * PaceBudget::kSlice < absl::Seconds(5));
}

TEST_CASE("what was committed before a flush lets it begin, and no more") {
  PaceBudget budget(kFlushQuietMax);
  int pieces = 0;
  while (budget.Take(kPiece, kFlush, kFlushPercent)) ++pieces;
  CHECK(pieces == 8);
}

TEST_CASE("a flush is not held up while nothing is committed") {
  PaceBudget budget(kFlushQuietMax);
  for (int i = 0; i < 100; ++i)
    CHECK(budget.Take(kPiece, 0, kFlushPercent));  // the store is being opened
  int refused = 0;
  while (!budget.Take(kPiece, 2, kFlushPercent)) ++refused;
  CHECK(refused <= kFlushQuietMax);
  // From then on at full speed, until there is a commit again.
  for (int i = 0; i < 100; ++i) CHECK(budget.Take(kPiece, 2, kFlushPercent));
  CHECK_FALSE(budget.Take(kPiece, 3, kFlushPercent));
}

TEST_CASE("a compaction goes the faster the more files wait for it") {
  CHECK(CompactionPercent(0) == 150);
  CHECK(CompactionPercent(kLevel0Trigger) == 150);
  CHECK(CompactionPercent(kLevel0Trigger + kLevel0More - 1) == 300);
  CHECK(CompactionPercent(kLevel0Trigger + kLevel0More) == std::nullopt);
  CHECK(CompactionPercent(kLevel0Most) == std::nullopt);
}

constexpr auto kPriorities = {rocksdb::Env::IO_HIGH, rocksdb::Env::IO_LOW};

TEST_CASE("a flush or compaction waits for nothing while another one waits for its thread") {
  for (const auto priority : kPriorities) {
    // Each of these would wait otherwise: there is nothing to take a piece from.
    int asked = 0;
    BackgroundPace pace([&](rocksdb::Env::IOPriority of) { return ++asked > 0 && of == priority; });
    for (int i = 0; i < 10; ++i) {
      pace.Committed(1);
      pace.Request(kPiece, priority, nullptr, rocksdb::RateLimiter::OpType::kWrite);
    }
    CHECK(asked == 10);
  }
}

// How often a compaction's piece is held up when as many bytes were committed.
int WaitsWith(int level0_files) {
  int asked = 0;
  BackgroundPace pace([&asked](rocksdb::Env::IOPriority /*of*/) { return ++asked < 0; });
  pace.CountLevel0By([level0_files] { return level0_files; });
  pace.Committed(kPiece / 2);
  pace.Request(kPiece, rocksdb::Env::IO_LOW, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  return asked - 1;
}

TEST_CASE("a compaction is held up, unless many files wait for it") {
  CHECK(WaitsWith(0) > 0);
  CHECK(WaitsWith(kLevel0Trigger) > 0);
  CHECK(WaitsWith(kLevel0Trigger + 1) == 0);
  CHECK(WaitsWith(kLevel0Most) == 0);
}

TEST_CASE("what is asked of one kind is not taken from the other's") {
  int asked = 0;
  BackgroundPace pace([&asked](rocksdb::Env::IOPriority /*of*/) { return ++asked < 0; });
  pace.Committed(kPiece);
  // Leaves half a piece of its own.
  pace.Request(kPiece, rocksdb::Env::IO_LOW, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  REQUIRE(asked == 1);
  asked = 0;
  pace.Request(kPiece, rocksdb::Env::IO_HIGH, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  CHECK(asked == 1);
}

TEST_CASE("a database knows how many files wait for a compaction, which begins at four") {
  const TemporaryDirectory directory;
  auto open = rocks::Database::Open(
      {.fs = rocksdb::FileSystem::Default(), .path = directory / "db", .memory_bytes = 1},
      rocks::Database::Mode::kCreate);
  REQUIRE(open.ok());
  rocks::Database& database = **open;
  CHECK(database.FilesAtLevel0() == 0);
  for (int i = 1; i < kLevel0Trigger; ++i) {
    REQUIRE(database.db().Put({}, database.in(Space::kRows), "key", "value").ok());
    REQUIRE(database.FlushAll().ok());
    CHECK(database.FilesAtLevel0() == i);
  }
  REQUIRE(database.db().Put({}, database.in(Space::kRows), "key", "value").ok());
  REQUIRE(database.FlushAll().ok());
  while (database.FilesAtLevel0() >= kLevel0Trigger) std::this_thread::yield();
}

TEST_CASE("what no flush and no compaction writes, and what is read, is not paced") {
  BackgroundPace pace([](rocksdb::Env::IOPriority /*of*/) -> bool {
    throw std::logic_error("asked whether to wait");
  });
  pace.Committed(1);
  pace.Request(kPiece, rocksdb::Env::IO_USER, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  pace.Request(kPiece, rocksdb::Env::IO_LOW, nullptr, rocksdb::RateLimiter::OpType::kRead);
  CHECK(pace.GetTotalRequests(rocksdb::Env::IO_TOTAL) == 2);
  CHECK(pace.GetTotalBytesThrough(rocksdb::Env::IO_TOTAL) == 2 * kPiece);
}

TEST_CASE("what waits goes on by itself when nobody commits") {
  for (const auto priority : kPriorities) {
    BackgroundPace pace([](rocksdb::Env::IOPriority /*of*/) { return false; });
    pace.Committed(1);
    for (int i = 0; i < 10; ++i) {
      pace.Request(kPiece, priority, nullptr, rocksdb::RateLimiter::OpType::kWrite);
    }
    CHECK(pace.GetTotalRequests(rocksdb::Env::IO_TOTAL) == 10);
  }
}

}  // namespace
}  // namespace skald
