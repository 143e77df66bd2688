#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

const skald::Operator kAnn{.actor = "ann", .reason = "because"};

TEST_CASE("a saga goes on after a crash where its journal ends") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  const skald::SagaId id = saga.id();
  w.Crash();  // b has run, its verdict is lost
  CHECK(saga.Await(absl::ZeroDuration()).status().code() == absl::StatusCode::kUnavailable);
  w.Open({w.Order()});
  CHECK(w.coordinator->stats().resumed == 1);
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
  CHECK(w.script.calls == Calls{"a", "b", "b", "pivot", "after"});
  CHECK(w.script.keys[1] == w.script.keys[2]);
  CHECK(w.script.repeated[2]);
}

TEST_CASE("a rejection after a restart is unclean: the lost attempt may have happened") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.script.Answers("a", skald::Rejected("no"));
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "undo a(?)"});
}

TEST_CASE("a pivot that was dispatchable at a restart keeps the direction open") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start("k", "in", absl::Minutes(1)).id();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();
  w.Crash();
  w.clock.Advance(absl::Minutes(2));  // beyond the saga's deadline
  w.Open({w.Order()});
  REQUIRE(w.coordinator->Cancel(id, kAnn).ok());
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("a turn survives a crash and compensations go on") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::Rejected("no"));
  for (int i = 0; i < 3; ++i) w.script.UndoAnswers("b", skald::Unknown("down"));
  const skald::SagaId id = w.Start().id();
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompensating);
  w.Crash();
  w.Open({w.Order()});
  w.PassUntilQuiet();
  CHECK(w.StateOf(id) == SagaState::kCompensated);
  CHECK(w.script.calls.back() == "undo a(a-out)");
}

TEST_CASE("a stuck saga is stuck after a restart and says why") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.script.Answers("pivot", skald::Unknown("gateway gone"));
  const skald::SagaId id = w.Start().id();
  w.PassUntilQuiet();
  w.Crash();
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.Run();
  auto found = w.coordinator->Find(kOrder, "k");
  REQUIRE(found.ok());
  auto outcome = found->Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kStuck);
  CHECK(outcome->reason() == "gateway gone");
  CHECK(found->id() == id);
}

TEST_CASE("a saga whose definition is missing is stuck, and goes on when it is back") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.Open({});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kStuck);
  CHECK(w.coordinator->Show(id)->info.reason.find("not registered") != std::string::npos);
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("a saga without its definition can be abandoned, and stays so after a restart") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.Open({});
  w.Run();
  REQUIRE(w.coordinator->Abandon(id, kAnn).ok());
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kAbandoned);
  w.Crash();
  w.Open({});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kAbandoned);
}

TEST_CASE("a finished saga is known after a restart, and its key gives it again") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.Run();
  w.Crash();
  w.Open({w.Order()});
  auto again = w.Start();
  CHECK(again.existed());
  CHECK(again.id() == id);
  CHECK(*again.Await(absl::ZeroDuration())->result() == "pivot-out");
  CHECK(w.script.calls.size() == 4);
}

TEST_CASE("a wall clock that leapt is refused until an option accepts it, and nothing is written") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.clock.SetWall(w.clock.Wall() + absl::Hours(24 * 8));
  auto refused = skald::Coordinator::Open(*w.store, w.executor, {w.Order()}, w.options);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  w.options.accept_time_leap = true;
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("engine time never goes back, whatever the wall clock does between two opens") {
  World w;
  w.Open({w.Order()});
  w.clock.Advance(absl::Hours(5));
  const skald::SagaId first = w.Start("1").id();
  w.Run();
  const absl::Time before = w.coordinator->Show(first)->info.updated;
  w.Crash();
  w.clock.SetWall(w.clock.Wall() - absl::Hours(3));
  w.Open({w.Order()});
  const skald::SagaId second = w.Start("2").id();
  w.Run();
  CHECK(w.coordinator->Show(second)->info.started >= before);
}

TEST_CASE("an older coordinator on the same store is shut out") {
  World w;
  w.Open({w.Order()});
  skald::ManualExecutor other_executor;
  auto other = skald::Coordinator::Open(*w.store, other_executor, {w.Order()}, w.options);
  REQUIRE(other.ok());
  auto late = w.coordinator->Start(kOrder, "in", {.key = "k"});
  CHECK(late.status().code() == absl::StatusCode::kUnavailable);
  CHECK_FALSE(w.coordinator->health().ok());
  CHECK((*other)->Start(kOrder, "in", {.key = "k"}).ok());
}

}  // namespace
}  // namespace skald_test
