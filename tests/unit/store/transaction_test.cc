#include <string>

#include "catch.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::Answers;
using testing::Durable;
using testing::OpenByHand;
using testing::PollAll;
using testing::RowUnit;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kAborted = absl::StatusCode::kAborted;

std::optional<std::string> Read(Transaction& tx, std::string_view key) {
  auto value = tx.Get(key);
  REQUIRE(value.ok());
  return *std::move(value);
}

TEST_CASE("A transaction sees its own writes, then queued rows, then durable ones") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("durable", "1"), answers.As("1")).ok());
  PollAll(*committer);
  REQUIRE(committer->Enqueue(RowUnit("queued", "2"), answers.As("2")).ok());
  Transaction tx = committer->Begin();
  CHECK(Read(tx, "durable") == "1");
  CHECK(Read(tx, "queued") == "2");
  CHECK(Read(tx, "own") == std::nullopt);
  tx.Put("own", "3");
  tx.Put("own", "4");
  CHECK(Read(tx, "own") == "4");
  tx.Delete("durable");
  CHECK(Read(tx, "durable") == std::nullopt);
  CHECK(Durable(store, "own") == std::nullopt);
  CHECK(std::move(tx).Commit().ok());
  CHECK(Durable(store, "own") == "4");
  CHECK(Durable(store, "durable") == std::nullopt);
}

TEST_CASE("A transaction that is dropped leaves nothing") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  {
    Transaction tx = committer->Begin();
    tx.Put("k", "v");
  }
  CHECK_FALSE(committer->PollOnce());
  CHECK(Durable(store, "k") == std::nullopt);
}

TEST_CASE("A row that changes between reading and commit fails the transaction") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("k", "1"), answers.As("setup")).ok());
  const bool was_durable = GENERATE(false, true);
  if (was_durable) PollAll(*committer);
  Transaction tx = committer->Begin();
  CHECK(Read(tx, "k") == "1");
  tx.Put("other", "x");
  SECTION("the change is queued") {
    REQUIRE(committer->Enqueue(RowUnit("k", "2"), answers.As("change")).ok());
  }
  SECTION("the change is durable already") {
    REQUIRE(committer->Enqueue(RowUnit("k", "2"), answers.As("change")).ok());
    PollAll(*committer);
  }
  SECTION("the change is durable and many commits ago") {
    REQUIRE(committer->Enqueue(RowUnit("k", "2"), answers.As("change")).ok());
    for (int i = 0; i < 100; ++i) {
      PollAll(*committer);
      REQUIRE(committer->Enqueue(RowUnit("far/" + std::to_string(i)), nullptr).ok());
    }
  }
  SECTION("the row is deleted") {
    Unit unit;
    unit.Delete(Space::kRows, "k");
    REQUIRE(committer->Enqueue(std::move(unit), answers.As("change")).ok());
  }
  SECTION("the row is written again with the same value") {
    REQUIRE(committer->Enqueue(RowUnit("k", "1"), answers.As("change")).ok());
  }
  CHECK(std::move(tx).CommitThen(answers.As("tx")).code() == kAborted);
  PollAll(*committer);
  CHECK(answers.Of("tx") == std::nullopt);
  CHECK(Durable(store, "other") == std::nullopt);
  CHECK(committer->stats().conflicts == 1);
}

TEST_CASE("A row that was absent must still be absent at commit") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  Transaction first = committer->Begin();
  Transaction second = committer->Begin();
  CHECK(Read(first, "order/1") == std::nullopt);
  CHECK(Read(second, "order/1") == std::nullopt);
  first.Put("order/1", "first");
  second.Put("order/1", "second");
  CHECK(std::move(first).CommitThen(answers.As("first")).ok());
  CHECK(std::move(second).CommitThen(answers.As("second")).code() == kAborted);
  PollAll(*committer);
  CHECK(answers.Of("first") == kOk);
  CHECK(Durable(store, "order/1") == "first");
}

TEST_CASE("A row that was read and not written is required too") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("price", "10"), answers.As("setup")).ok());
  Transaction tx = committer->Begin();
  CHECK(Read(tx, "price") == "10");
  REQUIRE(committer->Enqueue(RowUnit("price", "11"), answers.As("change")).ok());
  SECTION("by a transaction that writes elsewhere") {
    tx.Put("invoice", "10");
  }
  SECTION("by one that only reads") {}
  CHECK(std::move(tx).CommitThen(answers.As("tx")).code() == kAborted);
}

TEST_CASE("A row that is written blindly is not required") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  Transaction tx = committer->Begin();
  tx.Put("k", "mine");
  REQUIRE(committer->Enqueue(RowUnit("k", "theirs"), answers.As("change")).ok());
  CHECK(std::move(tx).CommitThen(answers.As("tx")).ok());
  PollAll(*committer);
  CHECK(Durable(store, "k") == "mine");
}

TEST_CASE("Of many rows that a transaction touches each one counts") {
  // More than are found by looking through all of them.
  constexpr int kRows = 100;
  const auto key = [](int i) { return "row/" + std::to_string(i); };
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  for (int i = 0; i < kRows; i += 2) {
    REQUIRE(committer->Enqueue(RowUnit(key(i), "old"), answers.As("old")).ok());
  }
  PollAll(*committer);
  // changed: which row another writes meanwhile; -1: none.
  for (const int changed : {-1, 0, 1, 50, 99}) {
    INFO(changed);
    Transaction tx = committer->Begin();
    for (int i = 0; i < kRows; ++i) {
      const bool there = Read(tx, key(i)).has_value();
      if (changed == -1) CHECK(there == (i % 2 == 0));
      tx.Put(key(i), "new" + std::to_string(changed));
    }
    for (int i = 0; i < kRows; ++i) CHECK(Read(tx, key(i)) == "new" + std::to_string(changed));
    if (changed >= 0) {
      REQUIRE(committer->Enqueue(RowUnit(key(changed), "theirs"), answers.As("theirs")).ok());
    }
    CHECK(std::move(tx).Commit().code() == (changed >= 0 ? kAborted : kOk));
    PollAll(*committer);
  }
  CHECK(Durable(store, key(99)) == "theirs");
  CHECK(Durable(store, key(98)) == "new-1");
}

TEST_CASE(
    "A transaction that discards its writes reads rows as they are, and requires those only") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("read", "1"), answers.As("1")).ok());
  REQUIRE(committer->Enqueue(RowUnit("written", "1"), answers.As("1")).ok());
  PollAll(*committer);
  for (const bool read_later : {false, true}) {
    Transaction tx = committer->Begin();
    CHECK(Read(tx, "read") == "1");
    tx.Put("read", "2");
    tx.Put("written", "2");
    tx.DiscardWrites();
    CHECK(Read(tx, "read") == "1");
    if (read_later) CHECK(Read(tx, "written").has_value());
    REQUIRE(committer->Enqueue(RowUnit("written", "theirs"), answers.As("theirs")).ok());
    CHECK(std::move(tx).Commit().code() == (read_later ? kAborted : kOk));
    PollAll(*committer);
  }
}

TEST_CASE("A hot row moves many times in one commit and nothing is answered before") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  for (int i = 1; i <= 100; ++i) {
    Transaction tx = committer->Begin();
    const auto value = Read(tx, "count");
    REQUIRE(value.value_or("0") == std::to_string(i - 1));
    tx.Put("count", std::to_string(i));
    REQUIRE(std::move(tx).CommitThen(answers.As(std::to_string(i))).ok());
  }
  CHECK(answers.count() == 0);
  CHECK(committer->PollOnce());
  CHECK(answers.count() == 100);
  CHECK(committer->stats().batches == 1);
  CHECK(Durable(store, "count") == "100");
}

TEST_CASE("A row that changes between two reads of one transaction is told at the second") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  Transaction tx = committer->Begin();
  CHECK(Read(tx, "k") == std::nullopt);
  REQUIRE(committer->Enqueue(RowUnit("k"), answers.As("change")).ok());
  CHECK(tx.Get("k").status().code() == kAborted);
  CHECK(std::move(tx).CommitThen(answers.As("tx")).code() == kAborted);
}

TEST_CASE("A read-only transaction is answered when what it read is durable") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("k", "1"), answers.As("write")).ok());
  Transaction tx = committer->Begin();
  CHECK(Read(tx, "k") == "1");
  REQUIRE(std::move(tx).CommitThen(answers.As("read")).ok());
  CHECK(answers.count() == 0);
  PollAll(*committer);
  CHECK(answers.Order() == std::vector<std::string>{"write", "read"});
}

TEST_CASE("Numbers of a sequence are drawn in the order in which transactions are queued") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  const auto sequence = std::make_shared<Sequence>(0x0102030405060708);
  const auto key = [](char last) { return std::string("q/\x01\x02\x03\x04\x05\x06\x07") + last; };
  Transaction first = committer->Begin();
  first.PutNext("q/", sequence, "begun first");
  Transaction second = committer->Begin();
  second.PutNext("q/", sequence, "queued first");
  second.PutNext("q/", sequence, "and its second");
  Transaction discarded = committer->Begin();
  discarded.PutNext("q/", sequence, "never");
  discarded.DiscardWrites();
  CHECK(std::move(second).Commit().ok());
  CHECK(std::move(discarded).Commit().ok());
  CHECK(std::move(first).Commit().ok());
  CHECK(Durable(store, key('\x08')) == "queued first");
  CHECK(Durable(store, key('\x09')) == "and its second");
  CHECK(Durable(store, key('\x0a')) == "begun first");
  CHECK(Durable(store, key('\x0b')) == std::nullopt);
}

TEST_CASE("Commit in a callback is refused instead of waiting for itself") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  absl::Status inner;
  REQUIRE(committer
              ->Enqueue(RowUnit("k"),
                        [&](const absl::Status&) {
                          Transaction tx = committer->Begin();
                          tx.Put("x", "y");
                          inner = std::move(tx).Commit();
                        })
              .ok());
  PollAll(*committer);
  CHECK(inner.code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("Requirements come only through a transaction") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  Unit unit;
  unit.Require("k", Version::kAbsent);
  CHECK(committer->Enqueue(std::move(unit), nullptr).code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
