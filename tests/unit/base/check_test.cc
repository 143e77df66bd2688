#include "skald/base/check.h"

#include <string>

#include "catch.h"
#include "death.h"

namespace {

TEST_CASE("A check that holds evaluates its condition once and its values never") {
  int conditions = 0;
  int values = 0;
  SKALD_CHECK(++conditions == 1, "values={}", ++values);
  CHECK(conditions == 1);
  CHECK(values == 0);
}

TEST_CASE("A check that fails aborts and prints place, condition and values") {
  const Death death = Die([] {
    const int got = 3;
    SKALD_CHECK(got == 4, "got={} of {}", got, "four");
  });
  CHECK(death.aborted);
  CHECK(death.text.find("check_test.cc:") != std::string::npos);
  CHECK(death.text.find("got == 4 with got=3 of four\n") != std::string::npos);
}

TEST_CASE("A check needs no values") {
  const Death death = Die([] { SKALD_CHECK(1 + 1 == 3); });
  CHECK(death.aborted);
  CHECK(death.text.find("1 + 1 == 3\n") != std::string::npos);
}

TEST_CASE("A debug check is evaluated exactly where debug checks are on") {
  int evaluated = 0;
  SKALD_DCHECK(++evaluated == 1, "evaluated={}", evaluated);
#if defined(SKALD_DEBUG_CHECKS)
  CHECK(evaluated == 1);
  CHECK(Die([] { SKALD_DCHECK(false); }).aborted);
#else
  CHECK(evaluated == 0);
#endif
}

}  // namespace
