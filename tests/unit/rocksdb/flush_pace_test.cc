// A full buffer is written as fast as the next one fills.
#include "flush_pace.h"

#include "catch.h"

namespace skald {
namespace {

using rocks::FlushBudget;
using rocks::FlushPace;

constexpr int64_t kPiece = FlushBudget::kBurst;
constexpr uint64_t kFlush = uint64_t{64} << 20;

TEST_CASE("a flush goes a quarter faster than what is committed meanwhile") {
  FlushBudget budget;
  uint64_t committed = 1;
  uint64_t flushed = 0;
  (void)budget.Take(kPiece, committed);  // a commit is seen: the store is not at rest
  while (flushed < kFlush) {
    committed += 100'000;
    while (budget.Take(kPiece, committed)) flushed += uint64_t{kPiece};
  }
  CHECK(committed > kFlush * 4 / 5 - uint64_t{2 * kPiece});
  CHECK(committed < kFlush * 4 / 5 + uint64_t{2 * kPiece});
}

TEST_CASE("what was committed before a flush lets it begin, and no more") {
  FlushBudget budget;
  int pieces = 0;
  while (budget.Take(kPiece, kFlush)) ++pieces;
  CHECK(pieces == 2);
}

TEST_CASE("a flush is not held up while nothing is committed") {
  FlushBudget budget;
  for (int i = 0; i < 100; ++i) CHECK(budget.Take(kPiece, 0));  // the store is being opened
  int refused = 0;
  while (!budget.Take(kPiece, 2)) ++refused;
  CHECK(refused <= FlushBudget::kQuietMax);
  // From then on at full speed, until there is a commit again.
  for (int i = 0; i < 100; ++i) CHECK(budget.Take(kPiece, 2));
  CHECK_FALSE(budget.Take(kPiece, 3));
}

TEST_CASE("only flushes that no writer waits for are paced") {
  FlushPace pace;
  pace.Committed(1);
  // Each of these would wait otherwise: there is nothing to take a piece from.
  for (const auto priority : {rocksdb::Env::IO_LOW, rocksdb::Env::IO_USER}) {
    for (int i = 0; i < 10; ++i) {
      pace.Committed(1);
      pace.Request(kPiece, priority, nullptr, rocksdb::RateLimiter::OpType::kWrite);
    }
  }
  CHECK(pace.GetTotalRequests(rocksdb::Env::IO_TOTAL) == 20);
  CHECK(pace.GetTotalBytesThrough(rocksdb::Env::IO_TOTAL) == 20 * kPiece);
  // A paced one ends too, with nobody committing.
  pace.Request(kPiece, rocksdb::Env::IO_HIGH, nullptr, rocksdb::RateLimiter::OpType::kWrite);
}

}  // namespace
}  // namespace skald
