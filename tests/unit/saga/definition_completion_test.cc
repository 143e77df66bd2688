// Steps that end when a completion is called.
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "attempt.h"
#include "catch.h"
#include "skald/saga/define.h"

namespace {

using skald::Define;
using skald::StepCompletion;
using skald::StepContext;
using skald::VerdictKind;
using skald::internal::CallState;
using skald::testing::Attempt;

struct Pay : skald::StepKey<"pay", std::string> {};
struct Tell : skald::StepKey<"tell"> {};
inline constexpr skald::SagaKey<"order", 1, std::string> kOrder;

struct Reports final : skald::internal::MisuseReporter {
  std::vector<std::string> kinds;
  std::vector<std::string> texts;
  void Report(std::string_view kind, std::string what) override {
    kinds.emplace_back(kind);
    texts.push_back(std::move(what));
  }
};

// What `pay` does with its completion.
template <typename Action>
skald::Definition Paying(Action action) {
  return Define(kOrder)
      .Step(Pay{}, std::move(action),
            [](const StepContext&, const std::string&, const std::string* paid,
               StepCompletion<skald::Nothing> done) {
              if (paid == nullptr) return done(absl::InternalError("nothing to refund"));
              done(absl::OkStatus());
            })
      .Build();
}

TEST_CASE("a completion that is called within the call completes it") {
  const auto definition = Paying([](const StepContext&, const std::string& input,
                                    StepCompletion<std::string> done) { done("paid " + input); });
  Attempt attempt(definition);
  const std::string input = "10";
  CHECK(attempt.Input(input).Run(definition.data().steps[0].action) == CallState::kComplete);
  CHECK(attempt.Decoded<std::string>() == "paid 10");
  CHECK(attempt.done() == 0);
}

TEST_CASE("a completion that is called later, from another thread, ends the attempt then") {
  std::optional<StepCompletion<std::string>> kept;
  const auto definition =
      Paying([&kept](const StepContext&, const std::string&, StepCompletion<std::string> done) {
        kept.emplace(std::move(done));
      });
  Attempt attempt(definition);
  const std::string input = "10";
  CHECK(attempt.Input(input).Run(definition.data().steps[0].action) == CallState::kPending);
  CHECK(attempt.done() == 0);
  std::thread([&] {
    (*kept)(absl::StatusOr<std::string>(absl::NotFoundError("no account")));
  }).join();
  CHECK(attempt.done() == 1);
  CHECK(attempt.result().kind == VerdictKind::kRejected);
}

TEST_CASE("a completion that is dropped says Unknown, at once or later") {
  const bool later = GENERATE(false, true);
  std::optional<StepCompletion<std::string>> kept;
  const auto definition =
      Paying([&](const StepContext&, const std::string&, StepCompletion<std::string> done) {
        if (later) kept.emplace(std::move(done));
      });
  Attempt attempt(definition);
  const std::string input = "10";
  const CallState state = attempt.Input(input).Run(definition.data().steps[0].action);
  CHECK(state == (later ? CallState::kPending : CallState::kComplete));
  kept.reset();
  CHECK(attempt.done() == (later ? 1 : 0));
  CHECK(attempt.result().kind == VerdictKind::kUnknown);
  CHECK(attempt.result().reason() == "its completion was dropped without a verdict");
}

TEST_CASE("of two verdicts the first counts and the second is reported, also when all is over") {
  auto reports = std::make_shared<Reports>();
  const std::shared_ptr<skald::internal::MisuseReporter> reporter = reports;
  std::optional<StepCompletion<std::string>> kept;
  const auto definition =
      Paying([&kept](const StepContext&, const std::string&, StepCompletion<std::string> done) {
        done(skald::Verdict<std::string>(skald::RetryLater("busy")));
        done("paid after all");
        kept.emplace(done);
      });
  {
    Attempt attempt(definition);
    const std::string input = "10";
    attempt.Report(reporter);
    CHECK(attempt.Input(input).Run(definition.data().steps[0].action) == CallState::kComplete);
    CHECK(attempt.result().kind == VerdictKind::kRetryLater);
    CHECK(reports->kinds == std::vector<std::string>{"completion-called-twice"});
  }
  (*kept)("once more");
  CHECK(reports->kinds.size() == 2);
}

TEST_CASE("an action that throws says Unknown; a verdict said before stays, the throw is told") {
  const bool says_first = GENERATE(false, true);
  auto reports = std::make_shared<Reports>();
  const auto definition = Paying(
      [says_first](const StepContext&, const std::string&, StepCompletion<std::string> done) {
        if (says_first) done(std::string("paid"));
        throw std::runtime_error("boom");
      });
  Attempt attempt(definition);
  const std::string input = "10";
  attempt.Report(reports);
  CHECK(attempt.Input(input).Run(definition.data().steps[0].action) == CallState::kComplete);
  CHECK(attempt.done() == 0);
  if (!says_first) {
    CHECK(attempt.result().kind == VerdictKind::kUnknown);
    CHECK(attempt.result().reason() == "exception: boom");
    CHECK(reports->kinds.empty());
    return;
  }
  CHECK(attempt.result().kind == VerdictKind::kDone);
  CHECK(attempt.result().output() == "paid");
  REQUIRE(reports->kinds == std::vector<std::string>{"completion-called-then-threw"});
  CHECK(reports->texts[0].find("it called its completion and then threw; the verdict counts. "
                               "exception: boom") != std::string::npos);
}

TEST_CASE("a compensation may end by a completion, too") {
  const auto definition = Paying(
      [](const StepContext&, const std::string&, StepCompletion<std::string> done) { done("x"); });
  Attempt attempt(definition);
  const std::string input = "10";
  const std::string paid = "paid";
  attempt.Input(input).Own(paid).Run(definition.data().steps[0].compensation);
  CHECK(attempt.result().kind == VerdictKind::kDone);
  Attempt blind(definition);
  blind.Input(input).Run(definition.data().steps[0].compensation);
  CHECK(blind.result().kind == VerdictKind::kUnknown);
}

}  // namespace
