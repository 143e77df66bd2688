// What the simulator found, each as the shortest case: what may start when.
#include <algorithm>
#include <future>

#include "skald/testing/fault_store.h"
#include "skald/testing/simulated_executor.h"
#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

struct Middle : skald::StepKey<"middle", std::string> {};

// a -> middle (no effect) -> b; a and b are undone.
skald::Definition AcrossNoEffect(Script& s) {
  using skald::StepContext;
  return skald::Define(kOrder)
      .Step(
          StepA{}, [&s](const StepContext& c, const std::string&) { return s.Act("a", c); },
          [&s](const StepContext& c, const std::string&, const std::string* o) {
            return s.Compensate("a", c, o);
          })
      .NoEffect(Middle{},
                [&s](const StepContext& c, const std::string&) { return s.Act("middle", c); })
      .Step(
          StepB{}, [&s](const StepContext& c, const std::string&) { return s.Act("b", c); },
          [&s](const StepContext& c, const std::string&, const std::string* o) {
            return s.Compensate("b", c, o);
          })
      .Returns(StepA{})
      .Build();
}

TEST_CASE("a step is not undone before what depends on it by way of a step without effect") {
  World w;
  w.script.Answers("b", skald::Unknown("lost"));
  w.script.UndoAnswers("b", skald::RetryLater("busy", absl::Minutes(5)));
  w.Open({AcrossNoEffect(w.script)});
  const auto saga = w.Start();
  w.Run();
  auto cancelled = std::make_shared<absl::Status>(absl::UnknownError("not answered"));
  w.coordinator->CancelThen(saga.id(), {"client", "changed my mind"},
                            [cancelled](const absl::Status& s) { *cancelled = s; });
  w.Run();
  CHECK(cancelled->ok());
  w.Pass(absl::Minutes(1));
  CHECK(w.script.calls == Calls{"a", "middle", "b", "undo b(?)"});
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "middle", "b", "undo b(?)", "undo b(?)", "undo a(a-out)"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
}

// A world whose executor takes nothing until it is told to.
struct FullWorld : World {
  skald::SimulatedExecutor busy;
  bool full = true;
  FullWorld() {
    busy.SetRefusals([this] { return full; });
    auto opened = skald::Coordinator::Open(*store, busy, {Order()}, options);
    REQUIRE(opened.ok());
    coordinator = *std::move(opened);
  }
  void RunBusy() {
    while (coordinator->PollOnce() || busy.RunOne(random)) {
    }
  }
  absl::Status CancelNow(skald::SagaId id) {
    absl::Status answer = absl::UnknownError("not answered");
    coordinator->CancelThen(id, {"client", "no"}, [&](const absl::Status& s) { answer = s; });
    RunBusy();
    return answer;
  }
};

TEST_CASE("an action that waits for a full executor does not start after the turn") {
  FullWorld w;
  const auto saga = w.Start();
  w.RunBusy();
  CHECK(w.CancelNow(saga.id()).ok());
  w.full = false;
  w.clock.Advance(absl::Seconds(1));
  w.RunBusy();
  CHECK(w.script.calls == Calls{"undo a(?)"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
}

TEST_CASE("what is sent after an action that no executor took has a deadline as ever") {
  FullWorld w;
  const auto saga = w.Start();
  w.RunBusy();
  // The Cancel is answered before the saga turns: what the turn sends is taken.
  w.coordinator->CancelThen(saga.id(), {"client", "no"},
                            [&](const absl::Status&) { w.full = false; });
  w.coordinator->RunUntilIdle();
  REQUIRE(w.busy.pending() == 1);
  w.clock.Advance(absl::Minutes(2));
  w.coordinator->RunUntilIdle();
  CHECK(std::count(w.seen.kinds.begin(), w.seen.kinds.end(), "attempt-overdue") == 1);
  w.RunBusy();
  CHECK(w.script.calls == Calls{"undo a(?)"});
}

TEST_CASE("a pivot that no executor has taken does not hold a Cancel up") {
  FullWorld w;
  w.full = false;
  w.script.Answers("b", skald::RetryLater("busy", absl::Seconds(1)));
  const auto saga = w.Start();
  w.RunBusy();
  CHECK(w.script.calls == Calls{"a", "b"});
  // From here on nothing is taken: b is, the pivot waits.
  w.clock.Advance(absl::Seconds(2));
  w.coordinator->RunUntilIdle();
  w.full = true;
  w.RunBusy();
  CHECK(w.script.calls == Calls{"a", "b", "b"});
  CHECK(w.CancelNow(saga.id()).ok());
  w.full = false;
  w.clock.Advance(absl::Seconds(1));
  w.RunBusy();
  CHECK(w.script.calls == Calls{"a", "b", "b", "undo b(b-out)", "undo a(a-out)"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
}

TEST_CASE(
    "opening over a pumped committer that is not settled says so instead of waiting for ever") {
  World w;
  skald::FaultStore store(*w.store);
  auto committer = skald::Committer::Open(store, {.own_thread = false, .clock = &w.clock});
  REQUIRE(committer.ok());
  store.FailNext(3, skald::FaultStore::When::kBefore);
  const auto refused = skald::Coordinator::Open(**committer, w.executor, {w.Order()}, w.options);
  CHECK(absl::IsUnavailable(refused.status()));
  for (int i = 0; i < 10; ++i) {
    w.clock.Advance(absl::Seconds(1));
    (*committer)->PollOnce();
  }
  CHECK(skald::Coordinator::Open(**committer, w.executor, {w.Order()}, w.options).ok());
}

TEST_CASE("blocking calls of a pumped coordinator pump the committer that it shares") {
  World w;
  auto committer = skald::Committer::Open(*w.store, {.own_thread = false, .clock = &w.clock});
  REQUIRE(committer.ok());
  auto opened = skald::Coordinator::Open(**committer, w.executor, {w.Order()}, w.options);
  REQUIRE(opened.ok());
  auto saga = (*opened)->Start(kOrder, "in", {.key = "k"});
  REQUIRE(saga.ok());
  CHECK((*opened)->Cancel(saga->id(), {"client", "no"}).ok());
}

TEST_CASE("a verb that a coordinator leaves unanswered when it goes is answered Unavailable") {
  World w;
  w.Open({w.Order()});
  const auto saga = w.Start();
  absl::Status answer;
  w.coordinator->CancelThen(saga.id(), {"client", "no"},
                            [&](const absl::Status& s) { answer = s; });
  w.coordinator.reset();
  CHECK(absl::IsUnavailable(answer));
}

TEST_CASE("verbs that do not block say what the blocking ones say") {
  World w;
  w.Open({w.Order()});
  const auto saga = w.Start();
  w.Run();
  std::vector<absl::StatusCode> codes;
  const auto note = [&](const absl::Status& s) { codes.push_back(s.code()); };
  const skald::Operator by{"anna", "why not"};
  w.coordinator->CancelThen(saga.id(), by, note);
  w.coordinator->RetryThen(saga.id(), by, note);
  w.coordinator->AbandonThen(saga.id(), by, note);
  w.coordinator->MarkNotDoneThen(saga.id(), "pivot", by, note);
  w.coordinator->SupplyOutputThen(saga.id(), PivotStep{}, "out", by, note);
  w.coordinator->RetryThen({saga.id().hash, skald::Incarnation{99}}, by, note);
  w.Run();
  CHECK(codes == std::vector<absl::StatusCode>(6, absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace skald_test
