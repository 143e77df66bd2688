#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

TEST_CASE("a saga whose steps are all Done completes with its result") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  w.Run();
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kCompleted);
  REQUIRE(outcome->result() != nullptr);
  CHECK(*outcome->result() == "pivot-out");
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "after"});
}

TEST_CASE("a rejected step is left alone and those before it are undone in reverse") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::Rejected("declined"));
  auto saga = w.Start();
  w.Run();
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kCompensated);
  CHECK(outcome->reason() == "declined");
  CHECK(outcome->step() == "pivot");
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "undo b(b-out)", "undo a(a-out)"});
}

TEST_CASE("a rejection after an Unknown is unclean: the step itself is undone without its output") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::Unknown("line broke"));
  w.script.Answers("b", skald::Rejected("no"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "b", "b", "undo b(?)", "undo a(a-out)"});
  CHECK(w.script.repeated == std::vector<bool>{false, false, true, false, false});
}

TEST_CASE("a rejection for the key is clean whatever came before") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::Unknown("line broke"));
  w.script.Answers("b", skald::RejectedForKey("recorded"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "b", "b", "undo a(a-out)"});
}

TEST_CASE("an exception is Unknown and the step is tried again under the same key") {
  World w;
  w.Open({w.Order()});
  w.script.Throws("a");
  w.Start();
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "a", "b", "pivot", "after"});
  CHECK(w.script.keys[0] == w.script.keys[1]);
  CHECK(w.script.keys[1] != w.script.keys[2]);
}

TEST_CASE("a step that only ever said RetryLater is undone: a copy of its request may come late") {
  World w;
  w.Open({w.Order()});
  for (int i = 0; i < 20; ++i) w.script.Answers("b", skald::RetryLater("busy"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls.size() == 1 + 20 + 2);
  CHECK(w.script.calls[w.script.calls.size() - 2] == "undo b(?)");
  CHECK(w.script.calls.back() == "undo a(a-out)");
}

TEST_CASE("a step that gives up after an Unknown is undone without its output") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::Unknown("?"));
  for (int i = 0; i < 19; ++i) w.script.Answers("b", skald::RetryLater("busy"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls[w.script.calls.size() - 2] == "undo b(?)");
}

TEST_CASE("a retriable is tried until it is Done") {
  World w;
  w.Open({w.Order()});
  for (int i = 0; i < 50; ++i) w.script.Answers("after", skald::Unknown("down"));
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  CHECK(w.script.calls.size() == 3 + 51);
}

TEST_CASE("a retriable that is rejected is stuck at once, and an operator's Retry goes on") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("after", skald::Rejected("never"));
  auto saga = w.Start();
  w.Run();
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kStuck);
  CHECK(outcome->step() == "after");
  CHECK(std::count(w.seen.kinds.begin(), w.seen.kinds.end(), "saga-stuck") == 1);
  REQUIRE(w.coordinator->Retry(saga.id(), {.actor = "ann", .reason = "fixed"}).ok());
  w.Run();
  CHECK(saga.Await(absl::ZeroDuration())->state() == SagaState::kCompleted);
}

TEST_CASE("a compensation that is rejected makes the saga stuck and never counts as done") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::Rejected("no"));
  w.script.UndoAnswers("b", skald::Rejected("cannot"));
  auto saga = w.Start();
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "undo b(b-out)"});
  REQUIRE(w.coordinator->Retry(saga.id(), {.actor = "ann", .reason = "again"}).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls.back() == "undo a(a-out)");
}

TEST_CASE("an output over the bound counts as may have run and is undone without it") {
  World w;
  w.options.payload_bytes_max = 64;
  w.Open({w.Order()});
  w.script.Answers("b", std::string(65, 'x'));
  auto saga = w.Start();
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "b", "undo b(?)", "undo a(a-out)"});
}

}  // namespace
}  // namespace skald_test
