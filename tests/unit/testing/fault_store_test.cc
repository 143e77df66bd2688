#include "skald/testing/fault_store.h"

#include <string>

#include "catch.h"
#include "skald/store/memory_store.h"

namespace {

using skald::FaultStore;
using skald::Space;
using skald::StoreCall;
using skald::StoreFault;
using skald::UnsyncedFate;

struct Fixture {
  skald::MemoryStore disk;
  FaultStore store{disk};
  skald::Acquired acquired = *store.Acquire("w");
  skald::SeededRandom random{1};

  skald::Batch Put(uint64_t number, const std::string& key) {
    skald::Batch batch{.number = number, .ticket = number, .units = {}};
    batch.units.emplace_back().Put(Space::kLog, key, "v");
    return batch;
  }
  bool Has(const std::string& key) { return disk.Get(Space::kLog, key)->has_value(); }
};

TEST_CASE("a commit fails before or after it took effect, as drawn") {
  Fixture f;
  f.store.SetFaults([](StoreCall call) {
    return call == StoreCall::kCommit ? StoreFault::kBefore : StoreFault::kNone;
  });
  CHECK(absl::IsUnavailable(f.store.Commit(f.acquired.fence, f.Put(1, "a")).status()));
  CHECK_FALSE(f.Has("a"));
  f.store.SetFaults([](StoreCall) { return StoreFault::kAfter; });
  CHECK(absl::IsUnavailable(f.store.Commit(f.acquired.fence, f.Put(1, "a")).status()));
  CHECK(f.Has("a"));
  f.store.SetFaults(nullptr);
  CHECK(f.store.Commit(f.acquired.fence, f.Put(1, "a")).ok());
}

TEST_CASE("a full disk says so, and takes nothing") {
  Fixture f;
  f.store.SetFaults([](StoreCall) { return StoreFault::kFull; });
  CHECK(absl::IsResourceExhausted(f.store.Commit(f.acquired.fence, f.Put(1, "a")).status()));
  CHECK_FALSE(f.Has("a"));
}

TEST_CASE("a commit that happens later does, unless it was settled otherwise") {
  Fixture f;
  f.store.SetFaults([](StoreCall) { return StoreFault::kLater; });
  CHECK(absl::IsUnavailable(f.store.Commit(f.acquired.fence, f.Put(1, "a")).status()));
  CHECK_FALSE(f.Has("a"));
  CHECK(f.store.ApplyLate());
  CHECK(f.Has("a"));
  CHECK_FALSE(f.store.ApplyLate());
  CHECK(absl::IsUnavailable(f.store.Commit(f.acquired.fence, f.Put(2, "b")).status()));
  f.store.SetFaults(nullptr);
  CHECK(f.store.Commit(f.acquired.fence, f.Put(2, "b")).ok());
  CHECK(f.store.Commit(f.acquired.fence, f.Put(3, "c")).ok());
  CHECK(f.store.ApplyLate());  // refused: out of turn
  CHECK(f.store.Commit(f.acquired.fence, f.Put(4, "d")).ok());
}

TEST_CASE("without power every call fails and nothing more happens") {
  Fixture f;
  f.store.LosePower(UnsyncedFate::kDropped, f.random);
  CHECK(f.store.powerless());
  CHECK(absl::IsUnavailable(f.store.Commit(f.acquired.fence, f.Put(1, "a")).status()));
  CHECK_FALSE(f.store.Get(Space::kLog, "a").ok());
  CHECK_FALSE(f.store.Scan(Space::kLog, {}).ok());
  CHECK_FALSE(f.store.Acquire("w").ok());
  CHECK_FALSE(f.store.DropRange(f.acquired.fence, Space::kLog, {}).ok());
  CHECK_FALSE(f.Has("a"));
}

TEST_CASE("what a power loss leaves of a dropped range is a suffix of it, or all, or nothing") {
  const auto fate = GENERATE(UnsyncedFate::kDropped, UnsyncedFate::kTorn, UnsyncedFate::kKept);
  Fixture f;
  f.store.DeferDrops(true);
  skald::Batch batch{.number = 1, .ticket = 1, .units = {}};
  for (const char* key : {"a", "b", "c", "d"})
    batch.units.emplace_back().Put(Space::kLog, key, "v");
  REQUIRE(f.store.Commit(f.acquired.fence, batch).ok());
  REQUIRE(f.store.DropRange(f.acquired.fence, Space::kLog, {"a", "d"}).ok());
  CHECK(f.Has("a"));
  f.store.LosePower(fate, f.random);
  CHECK(f.Has("d"));
  if (fate == UnsyncedFate::kDropped) CHECK(f.Has("a"));
  if (fate == UnsyncedFate::kKept) CHECK_FALSE(f.Has("c"));
  if (fate == UnsyncedFate::kTorn) {
    CHECK(f.Has("c"));
    CHECK((!f.Has("a") || f.Has("b")));
  }
}

TEST_CASE("a deferred drop takes effect with the next commit") {
  Fixture f;
  f.store.DeferDrops(true);
  REQUIRE(f.store.Commit(f.acquired.fence, f.Put(1, "a")).ok());
  REQUIRE(f.store.DropRange(f.acquired.fence, Space::kLog, {"a", "b"}).ok());
  REQUIRE(f.store.Commit(f.acquired.fence, f.Put(2, "b")).ok());
  CHECK_FALSE(f.Has("a"));
  CHECK(f.Has("b"));
}

}  // namespace
