// Validate names everything that the compiler cannot see, and whatever a tool put together wrongly.
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>

#include "catch.h"
#include "skald/base/hash.h"
#include "skald/saga/define.h"

namespace {

using skald::Define;
using skald::Definition;
using skald::RetryPolicy;
using skald::StepClass;
using skald::StepContext;
using skald::internal::CallState;
using skald::internal::DefinitionData;
using skald::internal::StepKind;
using skald::internal::StepNode;

struct Hold : skald::StepKey<"hold"> {};
inline constexpr skald::SagaKey<"try", 1, int64_t> kTry;

void Act(const StepContext&, const int64_t&) {}
void Undo(const StepContext&, const int64_t&, const skald::Nothing*) {}

StepNode Node(std::string name, StepClass step_class, std::vector<uint16_t> predecessors) {
  const auto complete = [](skald::internal::Call&) { return CallState::kComplete; };
  StepNode node;
  node.name = std::move(name);
  node.step_class = step_class;
  node.predecessors = std::move(predecessors);
  node.output = skald::internal::OpsOf<skald::Nothing>::Get();
  node.action = complete;
  if (step_class == StepClass::kCompensatable) node.compensation = complete;
  return node;
}

// compensatable "a" → pivot "b" → retriable "c", as a tool would put it together.
DefinitionData Three() {
  DefinitionData data;
  data.name = "three";
  data.input = skald::internal::OpsOf<int64_t>::Get();
  data.steps.push_back(Node("a", StepClass::kCompensatable, {}));
  data.steps.push_back(Node("b", StepClass::kPivot, {0}));
  data.steps.push_back(Node("c", StepClass::kRetriable, {1}));
  return data;
}

// What Validate says after `change`, without its beginning.
std::string Problem(const std::function<void(DefinitionData&)>& change) {
  DefinitionData data = Three();
  change(data);
  const std::string begin = fmt::format("definition '{}' version {}: ", data.name, data.version);
  const absl::Status status = Validate(skald::internal::Finish(std::move(data)));
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  REQUIRE(message.starts_with(begin));
  return message.substr(begin.size());
}

TEST_CASE("a definition that is right validates") {
  CHECK(Validate(skald::internal::Finish(Three())).ok());
}

TEST_CASE("every problem is named, in one answer") {
  const Definition definition = Define(kTry)
                                    .Step(Hold{}, Act, Undo, skald::Timeout(absl::ZeroDuration()),
                                          skald::CompensationRetry({.delay_min = absl::Minutes(2)}))
                                    .Retention(absl::ZeroDuration())
                                    .Build();
  const absl::Status status = Validate(definition);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()) ==
        "definition 'try' version 1: its retention must be positive; the time-out of step 'hold' "
        "must be positive and finite; the compensation retry policy of step 'hold': delay_max "
        "must be finite and at least delay_min");
}

TEST_CASE("names are bounded, plain and not repeated") {
  CHECK(Problem([](DefinitionData& data) { data.name = ""; }) ==
        "its name must be 1 to 64 letters, digits, '-', '_' or '.'");
  CHECK(Problem([](DefinitionData& data) { data.steps[1].name = std::string(65, 'x'); }) ==
        "the name of step number 1 must be 1 to 64 letters, digits, '-', '_' or '.'");
  for (const char* name : {"/b", "a//b", "a/", "a/b c", "a/(input)"}) {
    CHECK(Problem([name](DefinitionData& data) { data.steps[1].name = name; }) ==
          "the name of step number 1 must be 1 to 64 letters, digits, '-', '_' or '.'");
  }
  CHECK(Problem([](DefinitionData& data) {
          std::string& name = data.steps[1].name = "b";
          while (name.size() <= 256) name = "part/" + name;
        }) ==
        "the name of step number 1 has 261 bytes with those of the parts that it stands in; 256 "
        "are allowed");
  CHECK(Problem([](DefinitionData& data) { data.steps[2].name = data.steps[0].name; }) ==
        "two steps are named 'a'");
  CHECK(Problem([](DefinitionData& data) { data.version = 0; }) == "versions count from 1");
}

TEST_CASE("names whose hashes collide are refused") {
  // Found by search; StepHash has 32 bits.
  REQUIRE(skald::StepHash("step-23053") == skald::StepHash("step-35210"));
  CHECK(Problem([](DefinitionData& data) {
          data.steps[0].name = "step-23053";
          data.steps[1].name = "step-35210";
        }) == "the names of steps 'step-23053' and 'step-35210' have one hash: rename one");
}

TEST_CASE("a definition has one to a thousand and some steps") {
  CHECK(Problem([](DefinitionData& data) { data.steps.clear(); }) == "it has no steps");
  CHECK(Problem([](DefinitionData& data) {
          for (int i = 3; i <= 1024; ++i) {
            data.steps.push_back(
                Node(fmt::format("s{}", i), StepClass::kRetriable, {static_cast<uint16_t>(i - 1)}));
          }
        }) == "it has 1025 steps; at most 1024 are allowed");
}

TEST_CASE("edges come from earlier steps, uses from ancestors") {
  CHECK(Problem([](DefinitionData& data) { data.steps[2].predecessors = {1, 2}; }) ==
        "step 'c' follows step number 2, which is not declared before it");
  CHECK(Problem([](DefinitionData& data) { data.steps[1].uses = {1}; }) ==
        "step 'b' uses the output of step number 1, which need not have run before it");
  CHECK(Problem([](DefinitionData& data) { data.result_step = 3; }) ==
        "its result is the output of step number 3, which does not exist");
}

TEST_CASE("a step has the functions of its class") {
  CHECK(Problem([](DefinitionData& data) { data.steps[1].action = nullptr; }) ==
        "step 'b' has no action");
  CHECK(Problem([](DefinitionData& data) { data.steps[0].compensation = nullptr; }) ==
        "step 'a' has no compensation");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[2].compensation = std::move(data.steps[0].compensation);
          data.steps[0].step_class = StepClass::kNoEffect;
        }) == "step 'c' has a compensation that would never run");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[2].reconcile = [](skald::internal::Call&) { return CallState::kComplete; };
        }) == "step 'c' has a Reconcile, which only a pivot can have");
  CHECK(Problem([](DefinitionData& data) { data.steps[1].output = {}; }) ==
        "the output of step 'b' has no operations");
}

TEST_CASE("what is composed by hand is composed right") {
  CHECK(Problem([](DefinitionData& data) { data.steps[2].input_from = 0; }) ==
        "step 'c' takes its input from step number 0, which gives none before it");
  CHECK(Problem([](DefinitionData& data) { data.steps[0].input_from = 2; }) ==
        "step 'a' takes its input from step number 2, which gives none before it");
  CHECK(Problem([](DefinitionData& data) { data.steps[2].kind = StepKind::kSaga; }) ==
        "step 'c' starts a saga and does not say which, or says which and starts none");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[0].kind = StepKind::kSaga;
          data.steps[0].saga = {"other", 1};
        }) == "step 'a' starts a saga: it must be retriable, behind the pivot");
}

TEST_CASE("the pivot is one, and a cut") {
  CHECK(Problem([](DefinitionData& data) { data.steps[2].step_class = StepClass::kPivot; }) ==
        "step 'c' is a second pivot");
  CHECK(Problem([](DefinitionData& data) { data.steps[1].step_class = StepClass::kNoEffect; }) ==
        "step 'c' is retriable, but does not follow a pivot");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[2] = Node("c", StepClass::kCompensatable, {1});
        }) == "step 'c' has a compensation, but follows the pivot");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[2] = Node("c", StepClass::kNoEffect, {0});
        }) == "step 'c' can run beside the pivot: it must stand before or after it");
}

TEST_CASE("policies neither spin nor wait for ever between attempts") {
  const auto with = [](RetryPolicy policy) {
    return Problem([&](DefinitionData& data) { data.steps[1].options.retry = policy; });
  };
  CHECK(with({.delay_min = absl::ZeroDuration()}) ==
        "the retry policy of step 'b': delay_min must be positive");
  CHECK(with({.delay_max = absl::InfiniteDuration()}) ==
        "the retry policy of step 'b': delay_max must be finite and at least delay_min");
  CHECK(with({.age_max = absl::ZeroDuration()}) ==
        "the retry policy of step 'b': age_max must be positive");
  CHECK(Problem([](DefinitionData& data) {
          data.steps[0].options.timeout = absl::InfiniteDuration();
        }) == "the time-out of step 'a' must be positive and finite");
}

}  // namespace
