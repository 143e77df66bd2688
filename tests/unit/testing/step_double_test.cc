#include "skald/testing/step_double.h"

#include <string>
#include <vector>

#include "catch.h"
#include "skald/async/manual_executor.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"
#include "skald/testing/journal_matchers.h"

namespace {

struct Reserve : skald::StepKey<"reserve", std::string> {};
struct Charge : skald::StepKey<"charge", std::string> {};
inline constexpr skald::SagaKey<"order", 1, std::string, std::string> kOrder;

struct World {
  std::vector<std::string> own_failures;
  std::vector<std::string>* failures;
  std::function<void(std::string_view)> fail = [this](std::string_view why) {
    failures->emplace_back(why);
  };
  skald::StepDouble<std::string> reserve{"reserve", fail};
  skald::StepDouble<skald::Nothing> release{"release", fail};
  skald::StepDouble<std::string> charge{"charge", fail};
  skald::MemoryStore store;
  skald::ManualExecutor executor;
  skald::Definition definition =
      skald::Define(kOrder)
          .Step(Reserve{}, reserve.Action<std::string>(),
                release.Compensation<std::string, std::string>())
          .Pivot(Charge{}, skald::Using(Reserve{}), charge.Action<std::string, std::string>())
          .Returns(Charge{})
          .Build();
  std::unique_ptr<skald::Coordinator> coordinator;

  // `sink`: outlives the doubles, whose ends have something to say.
  explicit World(std::vector<std::string>* sink = nullptr)
      : failures(sink == nullptr ? &own_failures : sink) {
    skald::CoordinatorOptions options;
    options.own_threads = false;
    auto opened = skald::Coordinator::Open(store, executor, {definition}, options);
    REQUIRE(opened.ok());
    coordinator = *std::move(opened);
  }
  void Run() {
    while (coordinator->PollOnce() || executor.RunOne()) {
    }
  }
};

TEST_CASE("a double answers when the test says so, and the journal tells what came of it") {
  World w;
  auto saga = w.coordinator->Start(kOrder, "in", {.key = "k"});
  REQUIRE(saga.ok());
  w.Run();
  CHECK(w.reserve.waiting() == 1);
  CHECK(w.reserve.Complete(std::string("r")));
  w.Run();
  CHECK(w.charge.calls().size() == 1);
  CHECK(w.charge.Complete(skald::Rejected("declined")));
  w.Run();
  CHECK(w.release.calls().front().with_output);
  CHECK(w.release.Complete(skald::Nothing{}));
  w.Run();
  const auto lines = skald::ReadJournal(w.store, saga->id(), &w.definition);
  REQUIRE(lines.ok());
  const absl::Status same = skald::MatchJournal(
      *lines, {"Start", "reserve Done", "charge Rejected clean", "...", "undo reserve Done"});
  INFO(same.ToString());
  CHECK(same.ok());
  CHECK(absl::IsFailedPrecondition(skald::MatchJournal(*lines, {"Start", "charge Done", "..."})));
  CHECK(w.failures->empty());
}

using Failures = std::vector<std::string>;

TEST_CASE("a double that is called and never completed fails its test") {
  Failures failures;
  {
    World w(&failures);
    REQUIRE(w.coordinator->Start(kOrder, "in", {.key = "k"}).ok());
    w.Run();
    CHECK(w.reserve.waiting() == 1);
    w.charge.MayBeIdle();
    w.release.MayBeIdle();
  }
  CHECK(failures == Failures{"step 'reserve' was called and never completed"});
}

TEST_CASE("a double that is never called fails its test, unless it may be idle") {
  Failures failures;
  const auto fail = [&](std::string_view why) { failures.emplace_back(why); };
  {
    skald::StepDouble<std::string> never("never", fail);
  }
  {
    skald::StepDouble<std::string> idle("idle", fail);
    idle.MayBeIdle();
  }
  CHECK(failures == Failures{"step 'never' was never called"});
}

TEST_CASE("completing a double that nobody called fails the test") {
  Failures failures;
  skald::StepDouble<std::string> idle("idle",
                                      [&](std::string_view why) { failures.emplace_back(why); });
  idle.MayBeIdle();
  CHECK_FALSE(idle.Complete(std::string("x")));
  CHECK(failures == Failures{"step 'idle' is completed, and no call of it waits"});
}

TEST_CASE("what is not a journal of that saga is no match") {
  const std::vector<std::string> lines = {"Start", "a Done", "b Done"};
  CHECK(skald::MatchJournal(lines, {"Start", "a Done", "b Done"}).ok());
  CHECK(skald::MatchJournal(lines, {"...", "b Done"}).ok());
  CHECK(skald::MatchJournal(lines, {"Start", "..."}).ok());
  CHECK(skald::MatchJournal(lines, {"..."}).ok());
  CHECK_FALSE(skald::MatchJournal(lines, {"Start", "a Done"}).ok());
  CHECK_FALSE(skald::MatchJournal(lines, {}).ok());
  const absl::Status apart = skald::MatchJournal(lines, {"Start", "b Done"});
  CHECK(std::string(apart.message()).find("from line 2 on") != std::string::npos);
}

}  // namespace
