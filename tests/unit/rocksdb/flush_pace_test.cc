// A full buffer is written as fast as the next one fills.
#include "flush_pace.h"

#include <stdexcept>

#include "catch.h"

namespace skald {
namespace {

using rocks::FlushBudget;
using rocks::FlushPace;

constexpr int64_t kPiece = FlushBudget::kBurst;
constexpr uint64_t kFlush = uint64_t{64} << 20;

TEST_CASE("a flush goes half as fast again as what is committed meanwhile") {
  FlushBudget budget;
  uint64_t committed = 1;
  uint64_t flushed = 0;
  (void)budget.Take(kPiece, committed);  // a commit is seen: the store is not at rest
  while (flushed < kFlush) {
    committed += uint64_t{kPiece};
    while (budget.Take(kPiece, committed)) flushed += uint64_t{kPiece};
  }
  CHECK(committed > kFlush * 3 / 5);
  CHECK(committed <= kFlush * 2 / 3 + uint64_t{2 * kPiece});
}

TEST_CASE("a flush ends in seconds, however little is committed") {
  FlushBudget budget;
  uint64_t committed = 0;
  uint64_t flushed = 0;
  int waits = 0;
  while (flushed < kFlush) {
    if (budget.Take(kPiece, ++committed)) {
      flushed += uint64_t{kPiece};
    } else {
      ++waits;
    }
  }
  CHECK(waits * FlushBudget::kSlice > absl::Seconds(3));
  CHECK(waits * FlushBudget::kSlice < absl::Seconds(5));
}

TEST_CASE("what was committed before a flush lets it begin, and no more") {
  FlushBudget budget;
  int pieces = 0;
  while (budget.Take(kPiece, kFlush)) ++pieces;
  CHECK(pieces == 8);
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

TEST_CASE("a flush waits for nothing while another one waits for its thread") {
  // Each of these would wait otherwise: there is nothing to take a piece from.
  int asked = 0;
  FlushPace pace([&asked] { return ++asked > 0; });
  for (int i = 0; i < 10; ++i) {
    pace.Committed(1);
    pace.Request(kPiece, rocksdb::Env::IO_HIGH, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  }
  CHECK(asked == 10);
}

TEST_CASE("what is not written by a flush is not paced") {
  FlushPace pace([]() -> bool { throw std::logic_error("asked whether to wait"); });
  for (const auto priority : {rocksdb::Env::IO_LOW, rocksdb::Env::IO_USER}) {
    pace.Committed(1);
    pace.Request(kPiece, priority, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  }
  CHECK(pace.GetTotalRequests(rocksdb::Env::IO_TOTAL) == 2);
  CHECK(pace.GetTotalBytesThrough(rocksdb::Env::IO_TOTAL) == 2 * kPiece);
}

TEST_CASE("a flush that waits goes on by itself when nobody commits") {
  FlushPace pace([] { return false; });
  pace.Committed(1);
  for (int i = 0; i < 10; ++i) {
    pace.Request(kPiece, rocksdb::Env::IO_HIGH, nullptr, rocksdb::RateLimiter::OpType::kWrite);
  }
  CHECK(pace.GetTotalRequests(rocksdb::Env::IO_TOTAL) == 10);
}

}  // namespace
}  // namespace skald
