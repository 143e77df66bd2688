// How the rows of finished sagas get into the store: a few with each commit.
#include <algorithm>
#include <functional>
#include <string>

#include "skald/store/forwarding_store.h"
#include "world.h"

namespace skald_test {
namespace {

using skald::Space;

constexpr size_t kGeneration = 1024;  // finished sagas that are written together
constexpr int kSagas = 20'000;

// Counts the rows of each batch, apart for those that sagas wait for.
struct CountingStore final : skald::ForwardingStore {
  using ForwardingStore::ForwardingStore;

  absl::StatusOr<skald::CommitResult> Commit(const skald::Fence& fence,
                                             const skald::Batch& batch) override {
    size_t batch_rows = 0;
    bool has_block = false;
    for (const skald::Unit& unit : batch.units) {
      batch_rows += unit.row_write_count();
      unit.ForEach([&](const auto& op) { has_block = has_block || op.space == Space::kLog; });
    }
    rows += batch_rows;
    if (has_block) rows_beside_sagas_max = std::max(rows_beside_sagas_max, batch_rows);
    return ForwardingStore::Commit(fence, batch);
  }

  absl::StatusOr<std::optional<skald::Row>> Get(Space space, std::string_view key) override {
    ++reads;
    return ForwardingStore::Get(space, key);
  }

  size_t reads = 0;
  size_t rows = 0;
  size_t rows_beside_sagas_max = 0;
};

skald::Definition InlineOrder() {
  return skald::Define(kOrder)
      .Step(
          StepA{}, [](const skald::StepContext&, const std::string& in) { return in; },
          [](const skald::StepContext&, const std::string&, const std::string*) {}, skald::Inline())
      .Returns(StepA{})
      .Retention(absl::Minutes(1))
      .Build();
}

// Sagas, `chains` of them at a time, each of whose ends starts another, so that there are always
// some that wait for a commit.
struct Chains : World {
  CountingStore counting{*store};
  size_t ended = 0;
  size_t kept_back_max = 0;  // sagas that have finished and whose rows are not out

  ~Chains() { coordinator.reset(); }

  void Run(int chains) {
    auto opened = skald::Coordinator::Open(counting, executor, {InlineOrder()}, options);
    INFO(opened.status().ToString());
    REQUIRE(opened.ok());
    coordinator = *std::move(opened);
    for (int i = 0; i < chains; ++i) StartNext();
    while (ended < kSagas && coordinator->PollOnce()) {
      kept_back_max = std::max(kept_back_max, ended - std::min(ended, counting.rows));
    }
    CHECK(ended == kSagas);
  }

 private:
  void StartNext() {
    if (started_ == kSagas) return;
    const std::string key = "k" + std::to_string(started_++);
    coordinator->StartThen(kOrder, key, {.key = key}, [this](const auto& saga) {
      REQUIRE(saga.ok());
      saga->AwaitThen([this](const auto& outcome) {
        REQUIRE(outcome.ok());
        ++ended;
        StartNext();
      });
    });
  }

  int started_ = 0;
};

TEST_CASE("rows of finished sagas go out in step with those that finish, not all at once") {
  constexpr int kChains = 64;
  Chains w;
  w.options.finished_in_memory_max = 2 * kGeneration;
  w.Run(kChains);
  // One and a third for each that finishes, and a group of sagas more.
  CHECK(w.counting.rows_beside_sagas_max > 0);
  CHECK(w.counting.rows_beside_sagas_max <= 3 * kChains);
  // They are out before there is another generation of them.
  CHECK(w.kept_back_max < 2 * kGeneration);
}

TEST_CASE("rows of finished sagas fall no further behind while the journal is over its bound") {
  constexpr int kChains = 2'000;  // that end with one commit
  Chains w;
  w.options.finished_in_memory_max = 2 * kGeneration;
  w.options.journal_bytes_max = 1;
  w.Run(kChains);
  CHECK(w.kept_back_max < 4 * kChains);
}

TEST_CASE("a key that comes back after its retention is read once, and its row written over") {
  World w;
  CountingStore store(*w.store);
  w.options.finished_in_memory_max = 2;  // each finished saga is written at once
  auto opened = skald::Coordinator::Open(store, w.executor, {InlineOrder()}, w.options);
  REQUIRE(opened.ok());
  w.coordinator = *std::move(opened);
  for (const char* key : {"k", "other", "third", "fourth"}) {  // "k" leaves memory
    w.Start(key);
    w.Run();
  }
  w.clock.Advance(absl::Minutes(2));
  store.reads = 0;
  const size_t rows = store.rows;
  const skald::SagaId id = w.Start("k", "again").id();
  w.Run();
  CHECK(store.reads == 1);
  CHECK(store.rows == rows + 1);
  for (const char* key : {"fifth", "sixth", "seventh"}) {
    w.Start(key);
    w.Run();
  }
  auto found = w.coordinator->Find(kOrder, "k");
  REQUIRE(found.ok());
  CHECK(found->id() == id);
  CHECK(*found->Await(absl::ZeroDuration())->result() == "again");
  w.coordinator.reset();  // before the store that it uses
}

}  // namespace
}  // namespace skald_test
