// A definition of fifty steps: what a long one costs the compiler (benchmarks/RESULTS.md), and a
// subject for tests of length. Alone in its file, so that its compile time is its own.
#include "fifty_steps.h"

#include <cstdint>
#include <string>

#include "skald/saga/define.h"

namespace fifty {

using skald::Define;
using skald::Definition;
using skald::StepContext;
using skald::Using;

struct Input {
  uint64_t base;
};
struct Sum {
  uint64_t value;
};

struct Step0 : skald::StepKey<"step-0", Sum> {};
inline constexpr skald::SagaKey<"fifty-steps", 1, Input, Sum> kFiftySteps;

// Each step adds one to what the step before it gave.
#define SKALD_TEST_KEY(n) \
  struct Step##n : skald::StepKey<"step-" #n, Sum> {}
#define SKALD_TEST_ACTION                                                       \
  [](const StepContext&, const Input&, const Sum& sum) -> skald::Verdict<Sum> { \
    return Sum{sum.value + 1};                                                  \
  }
#define SKALD_TEST_STEP(n, before)                                               \
  .Step(Step##n{}, Using(Step##before{}), SKALD_TEST_ACTION,                     \
        [](const StepContext&, const Input&, const Sum* sum) {                   \
          return sum != nullptr ? absl::OkStatus() : absl::UnknownError("lost"); \
        })
#define SKALD_TEST_RETRIABLE(n, before) \
  .Retriable(Step##n{}, Using(Step##before{}), SKALD_TEST_ACTION, skald::Timeout(absl::Seconds(n)))

SKALD_TEST_KEY(1);
SKALD_TEST_KEY(2);
SKALD_TEST_KEY(3);
SKALD_TEST_KEY(4);
SKALD_TEST_KEY(5);
SKALD_TEST_KEY(6);
SKALD_TEST_KEY(7);
SKALD_TEST_KEY(8);
SKALD_TEST_KEY(9);
SKALD_TEST_KEY(10);
SKALD_TEST_KEY(11);
SKALD_TEST_KEY(12);
SKALD_TEST_KEY(13);
SKALD_TEST_KEY(14);
SKALD_TEST_KEY(15);
SKALD_TEST_KEY(16);
SKALD_TEST_KEY(17);
SKALD_TEST_KEY(18);
SKALD_TEST_KEY(19);
SKALD_TEST_KEY(20);
SKALD_TEST_KEY(21);
SKALD_TEST_KEY(22);
SKALD_TEST_KEY(23);
SKALD_TEST_KEY(24);
SKALD_TEST_KEY(25);
SKALD_TEST_KEY(26);
SKALD_TEST_KEY(27);
SKALD_TEST_KEY(28);
SKALD_TEST_KEY(29);
SKALD_TEST_KEY(30);
SKALD_TEST_KEY(31);
SKALD_TEST_KEY(32);
SKALD_TEST_KEY(33);
SKALD_TEST_KEY(34);
SKALD_TEST_KEY(35);
SKALD_TEST_KEY(36);
SKALD_TEST_KEY(37);
SKALD_TEST_KEY(38);
SKALD_TEST_KEY(39);
SKALD_TEST_KEY(40);
SKALD_TEST_KEY(41);
SKALD_TEST_KEY(42);
SKALD_TEST_KEY(43);
SKALD_TEST_KEY(44);
SKALD_TEST_KEY(45);
SKALD_TEST_KEY(46);
SKALD_TEST_KEY(47);
SKALD_TEST_KEY(48);
SKALD_TEST_KEY(49);

Definition FiftySteps() {
  return Define(kFiftySteps)
      .Step(
          Step0{}, [](const StepContext&, const Input& input) { return Sum{input.base}; },
          [](const StepContext&, const Input&, const Sum*) {}) SKALD_TEST_STEP(1, 0)
          SKALD_TEST_STEP(2, 1) SKALD_TEST_STEP(3, 2) SKALD_TEST_STEP(4, 3) SKALD_TEST_STEP(5, 4)
              SKALD_TEST_STEP(6, 5) SKALD_TEST_STEP(7, 6) SKALD_TEST_STEP(8, 7)
                  SKALD_TEST_STEP(9, 8) SKALD_TEST_STEP(10, 9) SKALD_TEST_STEP(11, 10)
                      SKALD_TEST_STEP(12, 11) SKALD_TEST_STEP(13, 12) SKALD_TEST_STEP(14, 13)
                          SKALD_TEST_STEP(15, 14) SKALD_TEST_STEP(16, 15) SKALD_TEST_STEP(17, 16)
                              SKALD_TEST_STEP(18, 17) SKALD_TEST_STEP(19, 18)
                                  SKALD_TEST_STEP(20, 19) SKALD_TEST_STEP(21, 20)
                                      SKALD_TEST_STEP(22, 21) SKALD_TEST_STEP(23, 22)
                                          SKALD_TEST_STEP(24, 23) SKALD_TEST_STEP(25, 24)
                                              SKALD_TEST_STEP(26, 25) SKALD_TEST_STEP(27, 26)
                                                  SKALD_TEST_STEP(28, 27) SKALD_TEST_STEP(29, 28)
      .Pivot(Step30{}, Using(Step29{}), SKALD_TEST_ACTION) SKALD_TEST_RETRIABLE(31, 30)
          SKALD_TEST_RETRIABLE(32, 31) SKALD_TEST_RETRIABLE(33, 32) SKALD_TEST_RETRIABLE(34, 33)
              SKALD_TEST_RETRIABLE(35, 34) SKALD_TEST_RETRIABLE(36, 35) SKALD_TEST_RETRIABLE(37, 36)
                  SKALD_TEST_RETRIABLE(38, 37) SKALD_TEST_RETRIABLE(39, 38)
                      SKALD_TEST_RETRIABLE(40, 39) SKALD_TEST_RETRIABLE(41, 40)
                          SKALD_TEST_RETRIABLE(42, 41) SKALD_TEST_RETRIABLE(43, 42)
                              SKALD_TEST_RETRIABLE(44, 43) SKALD_TEST_RETRIABLE(45, 44)
                                  SKALD_TEST_RETRIABLE(46, 45) SKALD_TEST_RETRIABLE(47, 46)
                                      SKALD_TEST_RETRIABLE(48, 47) SKALD_TEST_RETRIABLE(49, 48)
      .Returns(Step49{})
      .Build();
}

}  // namespace fifty
