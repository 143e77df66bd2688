// Two committers under different names write the same rows: the store has the last word.
#include <string>

#include "catch.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"
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

// Adds one to the number in `from` and writes it to `to`; gives what it wrote.
std::string Step(Committer& committer, std::string_view from, std::string_view to,
                 CommitCallback done) {
  Transaction tx = committer.Begin();
  const auto value = tx.Get(from);
  REQUIRE(value.ok());
  std::string next = std::to_string(std::stoi(value->value_or("0")) + 1);
  tx.Put(to, next);
  REQUIRE(std::move(tx).CommitThen(std::move(done)).ok());
  return next;
}

struct Setup {
  MemoryStore store;
  Answers answers;
  std::unique_ptr<Committer> ours = OpenByHand(store, {.writer = "ours", .shared_rows = true});
  std::unique_ptr<Committer> theirs = OpenByHand(store, {.writer = "theirs", .shared_rows = true});
};

TEST_CASE("A row that another writer changed fails the transaction at commit") {
  Setup t;
  Step(*t.ours, "k", "k", t.answers.As("ours"));
  REQUIRE(t.theirs->Enqueue(RowUnit("k", "100"), t.answers.As("theirs")).ok());
  PollAll(*t.theirs);
  PollAll(*t.ours);
  CHECK(t.answers.Of("theirs") == kOk);
  CHECK(t.answers.Of("ours") == kAborted);
  CHECK(Durable(t.store, "k") == "100");
  CHECK(t.ours->stats().conflicts == 1);
  CHECK(t.ours->stats().overlay_rows == 0);
  CHECK(Step(*t.ours, "k", "k", t.answers.As("again")) == "101");
  PollAll(*t.ours);
  CHECK(t.answers.Of("again") == kOk);
}

TEST_CASE("What builds on a failed unit fails with it and what does not is durable") {
  Setup t;
  Step(*t.ours, "k", "k", t.answers.As("fails"));
  Step(*t.ours, "k", "a", t.answers.As("reads what failed"));
  Step(*t.ours, "a", "b", t.answers.As("reads what that wrote"));
  Step(*t.ours, "x", "x", t.answers.As("stands alone"));
  REQUIRE(t.theirs->Enqueue(RowUnit("k", "100"), t.answers.As("theirs")).ok());
  PollAll(*t.theirs);
  PollAll(*t.ours);
  CHECK(t.answers.Of("fails") == kAborted);
  CHECK(t.answers.Of("reads what failed") == kAborted);
  CHECK(t.answers.Of("reads what that wrote") == kAborted);
  CHECK(t.answers.Of("stands alone") == kOk);
  CHECK(Durable(t.store, "a") == std::nullopt);
  CHECK(Durable(t.store, "b") == std::nullopt);
  CHECK(Durable(t.store, "x") == "1");
}

TEST_CASE("What builds on a failed unit fails also from a later batch") {
  MemoryStore store({.limits = {.batch_units = 1}});
  Answers answers;
  const auto ours = OpenByHand(store, {.writer = "ours", .shared_rows = true});
  const auto theirs = OpenByHand(store, {.writer = "theirs", .shared_rows = true});
  Step(*ours, "k", "k", answers.As("fails"));
  Step(*ours, "k", "a", answers.As("reads what failed"));
  Step(*ours, "a", "b", answers.As("reads what that wrote"));
  REQUIRE(theirs->Enqueue(RowUnit("k", "100"), nullptr).ok());
  PollAll(*theirs);
  SECTION("queued before it failed") {}
  SECTION("queued after it failed") {
    CHECK(ours->PollOnce());
    CHECK(answers.Of("fails") == kAborted);
    Step(*ours, "a", "c", answers.As("late"));
  }
  PollAll(*ours);
  CHECK(answers.Of("reads what failed") == kAborted);
  CHECK(answers.Of("reads what that wrote") == kAborted);
  CHECK(answers.Of("late").value_or(kAborted) == kAborted);
  CHECK(Durable(store, "a") == std::nullopt);
  CHECK(Durable(store, "b") == std::nullopt);
  CHECK(Durable(store, "c") == std::nullopt);
}

TEST_CASE("After a failed unit the others keep the versions that readers have seen") {
  Setup t;
  Step(*t.ours, "k", "k", t.answers.As("fails"));
  REQUIRE(t.ours->Enqueue(RowUnit("y", "7"), t.answers.As("stays")).ok());
  Transaction reader = t.ours->Begin();
  REQUIRE(*reader.Get("y") == "7");
  reader.Put("z", "8");
  REQUIRE(t.theirs->Enqueue(RowUnit("k", "100"), nullptr).ok());
  PollAll(*t.theirs);
  PollAll(*t.ours);
  REQUIRE(t.answers.Of("fails") == kAborted);
  REQUIRE(std::move(reader).CommitThen(t.answers.As("reader")).ok());
  PollAll(*t.ours);
  CHECK(t.answers.Of("reader") == kOk);
  CHECK(Durable(t.store, "z") == "8");
}

TEST_CASE("A row that is durable is read from the store, where another may have changed it") {
  Setup t;
  Transaction open = t.ours->Begin();
  REQUIRE(open.Get("unrelated").ok());
  Step(*t.ours, "k", "k", t.answers.As("ours"));
  PollAll(*t.ours);
  REQUIRE(t.theirs->Enqueue(RowUnit("k", "100"), nullptr).ok());
  PollAll(*t.theirs);
  CHECK(Step(*t.ours, "k", "k", t.answers.As("again")) == "101");
  PollAll(*t.ours);
  CHECK(t.answers.Of("again") == kOk);
}

TEST_CASE("Failed units are found again when the commit that would name them gets lost") {
  MemoryStore memory;
  FaultStore store(memory);
  ManualClock clock;
  Answers answers;
  const auto ours = OpenByHand(store, {.writer = "ours", .shared_rows = true, .clock = &clock});
  const auto theirs = OpenByHand(memory, {.writer = "theirs", .shared_rows = true});
  Step(*ours, "k", "k", answers.As("fails"));
  Step(*ours, "x", "x", answers.As("good"));
  REQUIRE(theirs->Enqueue(RowUnit("k", "100"), nullptr).ok());
  PollAll(*theirs);
  store.FailNext(2, GENERATE(FaultStore::When::kBefore, FaultStore::When::kAfter));
  for (int i = 0; i < 10; ++i) {
    PollAll(*ours);
    clock.Advance(absl::Seconds(1));
  }
  CHECK(answers.Of("fails") == kAborted);
  CHECK(answers.Of("good") == kOk);
  CHECK(Durable(memory, "k") == "100");
}

}  // namespace
}  // namespace skald
