#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

const skald::Operator kAnn{.actor = "ann", .reason = "because"};

TEST_CASE("a pivot that stays unknown makes the saga stuck, and SupplyOutput sends it forward") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 2}))});
  w.script.Answers("pivot", skald::Unknown("?"));
  w.script.Answers("pivot", skald::Rejected("unclean by now"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "pivot"});
  REQUIRE(w.coordinator->SupplyOutput(saga.id(), PivotStep{}, "by hand", kAnn).ok());
  w.Run();
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kCompleted);
  CHECK(*outcome->result() == "by hand");
}

TEST_CASE("a pivot that stays unknown can be marked as not done, and the saga turns") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  REQUIRE(w.coordinator->MarkNotDone(saga.id(), "pivot", kAnn).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "undo b(b-out)", "undo a(a-out)"});
}

TEST_CASE("a stuck saga can be abandoned by name, and stays so") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  CHECK(w.coordinator->Abandon(saga.id(), kAnn).code() == absl::StatusCode::kFailedPrecondition);
  w.PassUntilQuiet();
  CHECK(w.coordinator->Abandon(saga.id(), {}).code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(w.coordinator->Abandon(saga.id(), kAnn).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kAbandoned);
  CHECK(w.coordinator->Retry(saga.id(), kAnn).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("an operator who saw an older journal is told to look again") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  const uint64_t sequence = w.coordinator->Show(saga.id())->info.sequence;
  skald::Operator late = kAnn;
  late.seen_sequence = sequence - 1;
  CHECK(w.coordinator->Retry(saga.id(), late).code() == absl::StatusCode::kAborted);
  late.seen_sequence = sequence;
  CHECK(w.coordinator->Retry(saga.id(), late).ok());
}

TEST_CASE("Cancel before the pivot undoes what may have run") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("busy", absl::Minutes(5)));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Cancel(saga.id(), kAnn).ok());
  w.Run();
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kCompensated);
  CHECK(outcome->reason() == "cancelled");
  CHECK(w.script.calls == Calls{"a", "b", "undo b(?)", "undo a(a-out)"});
}

TEST_CASE("Cancel waits for a running action, and its late output is undone with it") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  w.RunLoop();  // a is sent, not run
  REQUIRE(w.executor.pending() == 1);
  REQUIRE(w.coordinator->Cancel(saga.id(), kAnn).ok());
  w.RunLoop();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensating);
  CHECK(w.script.calls.empty());
  w.Run();
  CHECK(w.script.calls == Calls{"a", "undo a(a-out)"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
}

TEST_CASE("Cancel after the pivot's dispatch is noted and not obeyed") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Cancel(saga.id(), kAnn).ok());
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a noted Cancel turns the saga when the pivot is cleanly rejected") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();  // the pivot is sent, not run
  w.script.Answers("pivot", skald::Rejected("no"));
  REQUIRE(w.coordinator->Cancel(saga.id(), kAnn).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
}

TEST_CASE("the deadline undoes a saga before the pivot and is ignored after it") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("a", skald::RetryLater("busy", absl::Hours(2)));
  auto saga = w.Start("early", "in", absl::Minutes(1));
  w.Run();
  w.Pass(absl::Minutes(1));
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kCompensated);
  CHECK(outcome->reason() == "the saga's deadline passed");

  w.script.Answers("after", skald::RetryLater("busy", absl::Hours(2)));
  auto late = w.Start("late", "in", absl::Minutes(1));
  w.Run();
  w.Pass(absl::Minutes(1));
  w.PassUntilQuiet();
  CHECK(w.StateOf(late.id()) == SagaState::kCompleted);
}

TEST_CASE("Reconcile is asked when a pivot gives up, and its answer decides") {
  World w;
  Script& s = w.script;
  const auto ask = skald::Reconcile([&s](const skald::StepContext& c, const std::string&) {
    s.Note("ask pivot", c);
    return Answer(skald::RejectedForKey("it never did"));
  });
  w.Open({w.Order(skald::Retry({.attempts_max = 2}), ask)});
  w.script.Answers("pivot", skald::Unknown("?"));
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls ==
        Calls{"a", "b", "pivot", "pivot", "ask pivot", "undo b(b-out)", "undo a(a-out)"});
}

TEST_CASE("a pivot marked Once is not sent again after an Unknown") {
  World w;
  w.Open({w.Order(skald::Once())});
  w.script.Answers("pivot", skald::Unknown("?"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(w.script.calls == Calls{"a", "b", "pivot"});
}

}  // namespace
}  // namespace skald_test
