#include "skald/async/manual_executor.h"

#include <memory>
#include <vector>

#include "catch.h"

namespace {

using skald::ManualExecutor;

TEST_CASE("Work runs when it is pumped, the oldest first") {
  ManualExecutor executor;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) REQUIRE(executor.Execute([&ran, i] { ran.push_back(i); }).ok());
  CHECK(executor.pending() == 3);
  CHECK(ran.empty());
  CHECK(executor.RunOne());
  CHECK(ran == std::vector<int>{0});
  CHECK(executor.RunUntilIdle() == 2);
  CHECK(ran == std::vector<int>{0, 1, 2});
  CHECK_FALSE(executor.RunOne());
}

TEST_CASE("A scheduler can choose which work runs next") {
  ManualExecutor executor;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) REQUIRE(executor.Execute([&ran, i] { ran.push_back(i); }).ok());
  CHECK_FALSE(executor.RunAt(3));
  CHECK(executor.RunAt(1));
  CHECK(executor.RunAt(1));
  CHECK(executor.RunAt(0));
  CHECK(ran == std::vector<int>{1, 2, 0});
}

TEST_CASE("RunUntilIdle also runs what comes up meanwhile, and counts it") {
  ManualExecutor executor;
  int ran = 0;
  REQUIRE(executor
              .Execute([&] {
                ++ran;
                CHECK(executor.Execute([&] { ++ran; }).ok());
              })
              .ok());
  CHECK(executor.RunUntilIdle() == 2);
  CHECK(ran == 2);
}

TEST_CASE("What never ran is freed with the executor") {
  auto held = std::make_shared<int>(1);
  {
    ManualExecutor executor;
    REQUIRE(executor.Execute([held] {}).ok());
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

}  // namespace
