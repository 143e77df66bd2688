// When a step is tried again: by the code that it ended with, and within its budget.
#include <cmath>

#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::RetryPolicy;
using skald::SagaState;
using skald::StepContext;

struct Policies : World {
  // One step, whose attempts end as `answers` say.
  skald::Definition One(RetryPolicy policy, RetryPolicy undo = {}) {
    Script& s = script;
    return Define(kOrder)
        .Step(
            StepA{},
            [&s, this](const StepContext& c, const std::string&) -> absl::StatusOr<std::string> {
              s.Note("a", c);
              if (codes.empty()) return "a-out";
              const absl::StatusCode code = codes.front();
              codes.erase(codes.begin());
              return absl::Status(code, "no");
            },
            [&s, this](const StepContext& c, const std::string&, const std::string*) {
              s.Note("undo a", c);
              if (undo_codes.empty()) return absl::OkStatus();
              const absl::StatusCode code = undo_codes.front();
              undo_codes.erase(undo_codes.begin());
              return absl::Status(code, "no");
            },
            skald::Retry(policy), skald::CompensationRetry(undo))
        .Returns(StepA{})
        .Build();
  }
  std::vector<absl::StatusCode> codes;
  std::vector<absl::StatusCode> undo_codes;
};

TEST_CASE("a step gives up at once on a code that its policy names, and is undone") {
  Policies w;
  w.Open({w.One({.give_up_on = {absl::StatusCode::kInternal, absl::StatusCode::kDataLoss}})});
  w.codes = {absl::StatusCode::kUnavailable, absl::StatusCode::kInternal};
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "a", "undo a"});
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(saga.Await()->reason() == "INTERNAL: no");
}

TEST_CASE("a compensation gives up at once on a code that its policy names") {
  Policies w;
  w.Open({w.One({.attempts_max = 1}, {.give_up_on = {absl::StatusCode::kInternal}})});
  w.codes = {absl::StatusCode::kUnavailable};
  w.undo_codes = {absl::StatusCode::kUnavailable, absl::StatusCode::kInternal};
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "undo a", "undo a"});
  CHECK(saga.Await()->state() == SagaState::kStuck);
}

TEST_CASE("what a step says explicitly has no code to give up on") {
  World w;
  w.Open(
      {w.Order(skald::Retry({.give_up_on = {absl::StatusCode::kOk, absl::StatusCode::kUnknown}}))});
  w.script.Answers("pivot", skald::RetryLater("busy"));
  w.script.Throws("pivot");
  auto saga = w.Start();
  w.PassUntilQuiet();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("beyond its budget a step's retries wait the longest delay") {
  Policies w;
  w.options.asleep_after = absl::InfiniteDuration();
  w.Open({w.One({.delay_min = absl::Milliseconds(1),
                 .delay_max = absl::Seconds(30),
                 .attempts_max = 0,
                 .budget = 0.5})});
  w.codes.assign(1000, absl::StatusCode::kUnavailable);
  for (int i = 0; i < 100; ++i) w.Start("k" + std::to_string(i));
  w.Run();
  // A hundred first attempts; ten retries may be made at once, as their own delays say.
  for (int i = 0; i < 100; ++i) w.Pass(absl::Milliseconds(100));
  CHECK(w.script.calls.size() == 110);
  // The rest comes when the longest delay is over.
  w.Pass(absl::Seconds(30));
  CHECK(w.script.calls.size() >= 200);
}

TEST_CASE("successes earn retries, up to the reserve") {
  Policies w;
  w.options.asleep_after = absl::InfiniteDuration();
  const RetryPolicy policy{.delay_min = absl::Milliseconds(1),
                           .delay_max = absl::Seconds(30),
                           .attempts_max = 0,
                           .budget = 0.5};
  w.Open({w.One(policy)});
  // The reserve is used up by sagas that fail, then ten succeed.
  w.codes.assign(20, absl::StatusCode::kUnavailable);
  for (int i = 0; i < 20; ++i) w.Start("down" + std::to_string(i));
  w.Run();
  for (int i = 0; i < 10; ++i) w.Start("up" + std::to_string(i));
  w.Run();
  const size_t before = w.script.calls.size();
  // Half a retry each: five of the next six are tried again soon.
  w.codes.assign(6, absl::StatusCode::kUnavailable);
  for (int i = 0; i < 6; ++i) w.Start("again" + std::to_string(i));
  w.Run();
  int soon = 0;
  for (int i = 0; i < 6; ++i) {
    const auto saga = w.coordinator->Find(kOrder, "again" + std::to_string(i));
    const auto shown = w.coordinator->Show(saga->id());
    const std::string longest =
        absl::FormatTime(w.clock.Wall() + absl::Seconds(30), absl::UTCTimeZone());
    soon += shown->info.waiting_for.find(longest) == std::string::npos;
  }
  CHECK(w.script.calls.size() == before + 6);
  CHECK(soon == 5);
}

TEST_CASE("a budget below nothing or beyond reason is refused") {
  for (const double budget : {-0.1, 101.0, std::nan("")}) {
    Policies w;
    const absl::Status status = Validate(w.One({.budget = budget}));
    CHECK(std::string(status.message()).find("budget must lie between 0 and 100") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace skald_test
