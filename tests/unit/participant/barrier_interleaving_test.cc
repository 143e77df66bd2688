// The barrier itself over each of its stores, in every order of the steps of its calls.
#include <vector>

#include "barrier_walk.h"
#include "catch.h"

using namespace skald;
using skald::testing::BarrierWalk;
using skald::testing::WalkBarrier;
using skald::testing::WalkedStore;

namespace {

constexpr BarrierVerb kAction = BarrierVerb::kAction;
constexpr BarrierVerb kCompensation = BarrierVerb::kCompensation;
constexpr BarrierVerb kReconcile = BarrierVerb::kReconcile;

const std::vector<BarrierVerb> kFive = {kAction, kAction, kCompensation, kCompensation, kReconcile};
// What a sanitizer has the time for.
const std::vector<std::vector<BarrierVerb>> kParts = {{kAction, kAction, kCompensation},
                                                      {kAction, kCompensation, kReconcile}};

#if defined(SKALD_DEBUG_CHECKS)
constexpr bool kThorough = false;
#else
constexpr bool kThorough = true;
#endif

void CheckWalk(const BarrierWalk& walk) {
  INFO(walk.violation.value_or("none")
       << " after " << walk.states << " states, " << walk.runs << " runs");
  CHECK_FALSE(walk.violation.has_value());
  // The walk went everywhere: each answer was given, calls met each other, and answers were lost.
  CHECK(walk.done > 0);
  CHECK(walk.rejected > 0);
  CHECK(walk.rejected_for_key > 0);
  CHECK(walk.retry_later > 0);
  CHECK(walk.unknown > 0);
  CHECK(walk.conflicts > 0);
  CHECK(walk.lost > 0);
}

void CheckEveryOrder(WalkedStore store) {
  if (!kThorough) {
    for (const std::vector<BarrierVerb>& part : kParts) CheckWalk(WalkBarrier(store, part));
    return;
  }
  const BarrierWalk walk = WalkBarrier(store, kFive);
  CheckWalk(walk);
  CHECK(walk.joined > 0);
  CHECK(walk.states > 50'000);
}

}  // namespace

TEST_CASE("over the memory store, no order of a key's calls, its floor and a crash does harm") {
  CheckEveryOrder(WalkedStore::kMemory);
}

TEST_CASE("the walk notices a barrier that commits although the row has changed") {
  CHECK(WalkBarrier(WalkedStore::kMemoryWithoutRequire, {kAction, kCompensation})
            .violation.has_value());
}

#if defined(SKALD_WALK_ROCKSDB)

TEST_CASE("over RocksDB, no order of a key's calls, its floor and a crash does harm") {
  CheckEveryOrder(WalkedStore::kRocksDb);
}

TEST_CASE("over a host's own RocksDB, no order of a key's calls, its floor and a crash does harm") {
  CheckEveryOrder(WalkedStore::kHost);
}

TEST_CASE("the walk notices a host's barrier that writes although the row has changed") {
  CHECK(WalkBarrier(WalkedStore::kHostWithoutGate, {kAction, kCompensation}).violation.has_value());
}

#endif
