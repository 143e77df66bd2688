// A long definition is put together and run like a short one.
#include <cstdint>

#include "attempt.h"
#include "catch.h"
#include "fifty_steps.h"

namespace {

TEST_CASE("a definition of fifty steps is valid, and each step gets the output before it") {
  const skald::Definition definition = fifty::FiftySteps();
  REQUIRE(Validate(definition).ok());
  REQUIRE(definition.step_count() == 50);
  CHECK(definition.data().pivots == std::vector<uint16_t>{30});
  CHECK(definition.data().result_step == 49);
  const uint64_t input = 1000;
  uint64_t before = 0;
  for (size_t step = 0; step < 50; ++step) {
    skald::testing::Attempt attempt(definition);
    if (step > 0) attempt.Output(step - 1, before);
    attempt.Input(input).Run(definition.data().steps[step].action);
    REQUIRE(attempt.result().kind == skald::VerdictKind::kDone);
    before = attempt.Decoded<uint64_t>();
    CHECK(before == 1000 + step);
  }
}

}  // namespace
