// Modifiers set what they say, and what is left out has its default.
#include <cstdint>

#include "catch.h"
#include "skald/base/hash.h"
#include "skald/saga/define.h"

namespace {

using skald::Define;
using skald::Definition;
using skald::RetryPolicy;
using skald::StepClass;
using skald::StepContext;
using skald::StepOptions;

struct Hold : skald::StepKey<"hold"> {};
struct Look : skald::StepKey<"look"> {};
struct Pay : skald::StepKey<"pay"> {};
struct LookAgain : skald::StepKey<"look-again"> {};
struct Ship : skald::StepKey<"ship"> {};
inline constexpr skald::SagaKey<"try", 4, int64_t> kTry;

void Act(const StepContext&, const int64_t&) {}
void Undo(const StepContext&, const int64_t&, const skald::Nothing*) {}

TEST_CASE("a definition carries name, version, classes, order and pivot") {
  const Definition definition = Define(kTry)
                                    .Step(Hold{}, Act, Undo)
                                    .NoEffect(Look{}, Act)
                                    .Pivot(Pay{}, Act)
                                    .NoEffect(LookAgain{}, Act)
                                    .Retriable(Ship{}, Act)
                                    .Build();
  REQUIRE(Validate(definition).ok());
  CHECK(definition.name() == "try");
  CHECK(definition.version() == 4);
  REQUIRE(definition.step_count() == 5);
  const auto& data = definition.data();
  CHECK(data.pivots == std::vector<uint16_t>{2});
  CHECK(!data.result_step);
  const StepClass classes[] = {StepClass::kCompensatable, StepClass::kNoEffect, StepClass::kPivot,
                               StepClass::kNoEffect, StepClass::kRetriable};
  for (uint16_t i = 0; i < 5; ++i) {
    CHECK(data.steps[i].step_class == classes[i]);
    CHECK(data.steps[i].hash == skald::StepHash(data.steps[i].name));
    CHECK(data.steps[i].predecessors ==
          (i == 0 ? std::vector<uint16_t>{} : std::vector<uint16_t>{uint16_t(i - 1)}));
  }
}

TEST_CASE("before the pivot steps give up, after it they are tried for ever") {
  const Definition definition = Define(kTry)
                                    .Step(Hold{}, Act, Undo)
                                    .Pivot(Pay{}, Act)
                                    .NoEffect(LookAgain{}, Act)
                                    .Retriable(Ship{}, Act)
                                    .Build();
  const auto& steps = definition.data().steps;
  CHECK(steps[0].options.retry.attempts_max == 20);
  CHECK(steps[0].options.compensation_retry.attempts_max == 20);
  CHECK(steps[0].options.compensation_retry.delay_min == absl::Milliseconds(100));
  CHECK(steps[0].options.compensation_retry.delay_max == absl::Minutes(1));
  CHECK(steps[1].options.retry.attempts_max == 20);
  CHECK(steps[2].options.retry.attempts_max == 0);
  CHECK(steps[3].options.retry.attempts_max == 0);
  CHECK(steps[0].options.timeout == absl::Seconds(30));
  CHECK(!steps[0].options.runs_inline);
  CHECK(!steps[0].options.once);
  CHECK(!steps[0].options.guarded);
}

TEST_CASE("modifiers set their option, in any order") {
  const Definition definition =
      Define(kTry)
          .Step(Hold{}, Act, Undo, skald::CompensationRetry({.attempts_max = 3}), skald::Inline(),
                skald::Timeout(absl::Seconds(2)), skald::Guarded())
          .Pivot(Pay{}, Act, skald::Once(), skald::Retry({.age_max = absl::Hours(1)}))
          .Retriable(Ship{}, Act, skald::Retry({.attempts_max = 5}))
          .Build();
  const StepOptions& hold = definition.data().steps[0].options;
  CHECK(hold.compensation_retry.attempts_max == 3);
  CHECK(hold.retry.attempts_max == 20);
  CHECK(hold.timeout == absl::Seconds(2));
  CHECK((hold.runs_inline && hold.guarded && !hold.once));
  const StepOptions& pay = definition.data().steps[1].options;
  CHECK((pay.once && !pay.runs_inline && !pay.guarded));
  CHECK(pay.retry.age_max == absl::Hours(1));
  CHECK(definition.data().steps[2].options.retry.attempts_max == 5);
}

TEST_CASE("a definition is kept for a week unless it says otherwise") {
  CHECK(Define(kTry).NoEffect(Look{}, Act).Build().data().retention == absl::Hours(24 * 7));
  CHECK(Define(kTry).Retention(absl::Hours(1)).NoEffect(Look{}, Act).Build().data().retention ==
        absl::Hours(1));
}

TEST_CASE("a builder can be kept and gone on with") {
  auto begun = Define(kTry).Step(Hold{}, Act, Undo);
  auto longer = std::move(begun).Pivot(Pay{}, Act);
  const Definition definition = std::move(longer).Build();
  CHECK(definition.step_count() == 2);
  CHECK(Validate(definition).ok());
}

}  // namespace
