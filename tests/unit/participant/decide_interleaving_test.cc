#include "catch.h"
#include "decide_model.h"

using skald::BarrierVerb;
using skald::testing::ModelRules;
using skald::testing::Walk;
using skald::testing::WalkResult;

namespace {

constexpr BarrierVerb kAction = BarrierVerb::kAction;
constexpr BarrierVerb kCompensation = BarrierVerb::kCompensation;
constexpr BarrierVerb kReconcile = BarrierVerb::kReconcile;

}  // namespace

TEST_CASE("no order of two actions, two compensations, a reconcile, floor and crash does harm") {
  const WalkResult walk =
      Walk({kAction, kAction, kCompensation, kCompensation, kReconcile}, ModelRules{});
  INFO(walk.violation.value_or("none") << " after " << walk.states << " states");
  CHECK_FALSE(walk.violation.has_value());
  // The walk went everywhere: each answer was given, and answers were lost to the crash.
  CHECK(walk.done > 0);
  CHECK(walk.rejected > 0);
  CHECK(walk.rejected_for_key > 0);
  CHECK(walk.retry_later > 0);
  CHECK(walk.unknown > 0);
  CHECK(walk.lost > 0);
  // Five calls of five stages each, two of floor: far more than could be written by hand.
  CHECK(walk.states > 10'000);
}

TEST_CASE("the walk notices an adapter that commits although the row has changed") {
  const WalkResult walk = Walk({kAction, kAction}, {.commit_requires_row = false});
  CHECK(walk.violation.has_value());
}

TEST_CASE("the walk notices an adapter that looks at the floor before it reads the row") {
  // The floor, the raise, the drop of a blocked row, then the row: absent, and nobody knows why.
  const WalkResult walk =
      Walk({kAction, kCompensation}, {.floor_after_row = false, .drop_waits_for_older = false});
  CHECK(walk.violation.has_value());
}

TEST_CASE("the walk notices an adapter that drops a row while an older call runs") {
  const WalkResult walk = Walk({kAction, kCompensation}, {.drop_waits_for_older = false});
  CHECK(walk.violation.has_value());
}

TEST_CASE("the walk notices an adapter that drops a row before the floor is durable") {
  const WalkResult walk = Walk({kAction, kCompensation}, {.floor_written_before_drop = false});
  CHECK(walk.violation.has_value());
}
