#include "skald/testing/simulated_executor.h"

#include <memory>
#include <vector>

#include "catch.h"

namespace {

TEST_CASE("work runs in an order that the seed decides, and knows when it was taken") {
  skald::SimulatedExecutor executor;
  uint64_t moment = 7;
  executor.SetMoment([&] { return moment; });
  std::vector<uint64_t> seen;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(executor.Execute([&] { seen.push_back(executor.dispatched()); }).ok());
    ++moment;
  }
  skald::SeededRandom random(3);
  while (executor.RunOne(random)) {
  }
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector<uint64_t>{7, 8, 9});
  CHECK_FALSE(executor.running());
}

TEST_CASE("refused work is untouched and may be offered again") {
  skald::SimulatedExecutor executor;
  bool full = true;
  executor.SetRefusals([&] { return full; });
  bool ran = false;
  skald::Work work = [&] { ran = true; };
  CHECK(absl::IsResourceExhausted(executor.Execute(std::move(work))));
  full = false;
  REQUIRE(executor.Execute(std::move(work)).ok());
  skald::SeededRandom random(1);
  CHECK(executor.RunOne(random));
  CHECK(ran);
}

TEST_CASE("what never ran is freed with the executor") {
  auto held = std::make_shared<int>(1);
  {
    skald::SimulatedExecutor executor;
    REQUIRE(executor.Execute([held] {}).ok());
  }
  CHECK(held.use_count() == 1);
}

}  // namespace
