// How long the committer remembers rows: as long as a transaction that began before them is open,
// and not beyond a bound.
#include "overlay.h"

#include <string>

#include "catch.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::Answers;
using testing::Durable;
using testing::LogUnit;
using testing::OpenByHand;
using testing::PollAll;
using testing::RowUnit;

void WriteRows(Committer& committer, int count, std::string_view value = "v") {
  for (int i = 0; i < count; ++i) {
    REQUIRE(committer.Enqueue(RowUnit("row/" + std::to_string(i), value), nullptr).ok());
    PollAll(committer);
  }
}

TEST_CASE("Without open transactions nothing durable is remembered") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  REQUIRE(committer->Enqueue(RowUnit("k"), nullptr).ok());
  CHECK(committer->stats().overlay_rows == 1);
  PollAll(*committer);
  CHECK(committer->stats().overlay_rows == 0);
  CHECK(committer->stats().overlay_bytes == 0);
}

TEST_CASE("Rows are remembered until every transaction that began before them has ended") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store);
  auto early = std::make_unique<Transaction>(committer->Begin());
  REQUIRE(early->Get("x").ok());
  WriteRows(*committer, 10);
  auto late = std::make_unique<Transaction>(committer->Begin());
  REQUIRE(late->Get("x").ok());
  WriteRows(*committer, 10);
  CHECK(committer->stats().overlay_rows == 10);
  CHECK(committer->stats().overlay_bytes > 0);
  SECTION("the earlier one ends first: what came after the later one stays") {
    early.reset();
    REQUIRE(committer->Enqueue(RowUnit("x"), nullptr).ok());
    PollAll(*committer);
    CHECK(committer->stats().overlay_rows == 11);
    CHECK(std::move(*late).CommitThen(answers.As("late")).code() == absl::StatusCode::kAborted);
    late.reset();
    WriteRows(*committer, 1);
    CHECK(committer->stats().overlay_rows == 0);
  }
  SECTION("the later one ends first: everything stays") {
    late.reset();
    WriteRows(*committer, 1);
    CHECK(committer->stats().overlay_rows == 10);
    CHECK(std::move(*early).CommitThen(answers.As("early")).ok());
    PollAll(*committer);
    WriteRows(*committer, 1);
    CHECK(committer->stats().overlay_rows == 0);
  }
}

TEST_CASE("A transaction that has read nothing holds nothing") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  Transaction tx = committer->Begin();
  tx.Put("k", "v");
  WriteRows(*committer, 3);
  CHECK(committer->stats().overlay_rows == 0);
}

TEST_CASE("Log entries are not remembered") {
  MemoryStore store;
  const auto committer = OpenByHand(store);
  Transaction reader = committer->Begin();
  REQUIRE(reader.Get("x").ok());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(committer->Enqueue(LogUnit(std::to_string(i)), nullptr).ok());
    PollAll(*committer);
  }
  CHECK(committer->stats().overlay_rows == 0);
  CHECK(committer->stats().overlay_bytes == 0);
}

TEST_CASE("Beyond the bound old rows are let go and an old transaction reads again at commit") {
  MemoryStore store;
  Answers answers;
  const auto committer = OpenByHand(store, {.overlay_bytes_max = 4096});
  WriteRows(*committer, 1, "first");
  Transaction tx = committer->Begin();
  REQUIRE(*tx.Get("row/0") == "first");
  tx.Put("result", "x");
  const bool changed = GENERATE(false, true);
  if (changed) {
    REQUIRE(committer->Enqueue(RowUnit("row/0", "second"), nullptr).ok());
    PollAll(*committer);
  }
  for (int i = 1; i < 200; ++i) {
    REQUIRE(committer->Enqueue(RowUnit("row/" + std::to_string(i)), nullptr).ok());
    PollAll(*committer);
  }
  CHECK(committer->stats().overlay_bytes <= 4096);
  CHECK(committer->stats().overlay_rows < 100);
  const absl::Status status = std::move(tx).CommitThen(answers.As("tx"));
  if (changed) {
    CHECK(status.code() == absl::StatusCode::kAborted);
  } else {
    CHECK(status.ok());
    CHECK(committer->stats().rereads == 1);
  }
  PollAll(*committer);
  CHECK(Durable(store, "result").has_value() == !changed);
}

TEST_CASE("A row that is written again outlives the group that wrote it first") {
  Overlay overlay;
  auto group = std::make_unique<CommitGroup>();
  group->batch.ticket = 1;
  group->batch.units.push_back(RowUnit("k", "1"));
  group->bytes = 100;
  overlay.Add(group->batch.units[0], 7, 1);
  const Unit second = RowUnit("k", "2");
  overlay.Add(second, 7, 2);
  overlay.Settle(std::move(group), 1000);
  std::unique_ptr<CommitGroup> finished;
  REQUIRE(overlay.ForgetSome(finished));
  REQUIRE(finished != nullptr);
  finished.reset();
  const Overlay::Row* row = overlay.Find("k");
  REQUIRE(row != nullptr);
  CHECK(row->value == "2");
  CHECK(row->version == VersionOf(7, 2, 0));
  CHECK_FALSE(overlay.ForgetSome(finished));
}

}  // namespace
}  // namespace skald
