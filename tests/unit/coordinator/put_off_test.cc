// Attempts that are put off for long: written down, out of memory, and not before their time.
#include "world.h"

namespace skald_test {
namespace {

using skald::RetryPolicy;
using skald::SagaState;

constexpr auto kSixHours = absl::Hours(6);

struct PutOff : World {
  PutOff() { options.asleep_after = absl::Seconds(5); }
  Calls Called(const std::string& step) const {
    Calls all;
    for (const std::string& call : script.calls) {
      if (call == step) all.push_back(call);
    }
    return all;
  }
};

TEST_CASE("a step that asks for a long delay leaves memory, and is sent again when it is over") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("closed until the morning", kSixHours));
  auto saga = w.Start();
  w.Run();
  CHECK(w.coordinator->stats().asleep == 1);
  CHECK(w.coordinator->stats().in_flight == 0);
  const absl::Time until = w.clock.Wall() + kSixHours;
  CHECK(w.coordinator->Show(saga.id())->info.waiting_for ==
        "attempt 2 at " + absl::FormatTime(until, absl::UTCTimeZone()));
  w.Pass(kSixHours - absl::Seconds(1));
  CHECK(w.Called("b").size() == 1);
  w.Pass(absl::Seconds(2));
  CHECK(w.Called("b").size() == 2);
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a long delay outlives the process, in memory or asleep") {
  for (const absl::Duration asleep_after : {absl::Seconds(5), absl::InfiniteDuration()}) {
    PutOff w;
    w.options.asleep_after = asleep_after;
    w.Open({w.Order()});
    w.script.Answers("b", skald::RetryLater("closed", kSixHours));
    auto saga = w.Start();
    w.Run();
    w.Pass(absl::Hours(1));
    w.Crash();
    w.Open({w.Order()});
    w.Pass(absl::Hours(4));
    CHECK(w.Called("b").size() == 1);
    w.Pass(absl::Hours(2));
    CHECK(w.Called("b").size() == 2);
    CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  }
}

TEST_CASE("attempts that are put off are counted across sleeps and restarts") {
  PutOff w;
  w.Open({w.Order(skald::Retry({.attempts_max = 3}))});
  for (int i = 0; i < 9; ++i) w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  w.Pass(kSixHours);
  w.Crash();
  w.Open({w.Order(skald::Retry({.attempts_max = 3}))});
  w.Run();
  w.Pass(kSixHours);
  CHECK(w.Called("pivot").size() == 3);
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
}

TEST_CASE("a pivot that was put off and never may have run is decided by a rejection") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  w.script.Answers("pivot", skald::Rejected("declined"));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->stats().asleep == 1);
  w.Pass(kSixHours);
  CHECK(saga.Await()->state() == SagaState::kCompensated);
}

TEST_CASE("after a restart one that was put off may have been sent again") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  w.script.Answers("pivot", skald::Rejected("declined"));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->stats().asleep == 1);
  w.Crash();
  w.Open({w.Order()});
  // Not clean any more: it is asked again, and does not turn by that.
  w.Pass(kSixHours);
  w.PassUntilQuiet();
  CHECK(saga.id() == w.coordinator->Find(kOrder, "k")->id());
  CHECK(w.Called("pivot").size() == 3);
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a pivot that was put off holds a Cancel up, as one that was sent does") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Cancel(saga.id(), {"me", "changed my mind"}).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kRunning);
  w.Pass(kSixHours);
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a Retry of a pivot that was put off does not make it one that was never sent") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Cancel(saga.id(), {"me", "changed my mind"}).ok());
  w.Run();
  REQUIRE(w.coordinator->Retry(saga.id(), {"me", "it is open"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a Cancel ends the wait of a step before the pivot, and what it waited for is undone") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Cancel(saga.id(), {"me", "changed my mind"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "b", "undo b(?)", "undo a(a-out)"});
}

TEST_CASE("an operator's Retry does not wait for a delay to be over") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->Retry(saga.id(), {"me", "it is open"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a compensation is put off, too") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::RejectedForKey("no"));
  w.script.UndoAnswers("b", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  CHECK(w.coordinator->stats().asleep == 1);
  w.Crash();
  w.Open({w.Order()});
  w.Pass(absl::Hours(5));
  CHECK(w.Called("undo b(b-out)").size() == 1);
  w.Pass(absl::Hours(2));
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.Called("undo b(b-out)").size() == 2);
}

TEST_CASE("the timeline tells of an attempt that is put off") {
  PutOff w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  const auto shown = w.coordinator->Show(saga.id());
  const std::string until = absl::FormatTime(w.clock.Wall() + kSixHours, absl::UTCTimeZone());
  CHECK(shown->timeline.back().text ==
        "action put off until " + until + " after 1 attempts: closed");
}

}  // namespace
}  // namespace skald_test
