// A coordinator pumped by hand, with everything around it under the test's control: the clock, the
// executor, randomness, the store. Nothing happens between two calls of Run().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "catch.h"
#include "skald/async/manual_executor.h"
#include "skald/base/clock.h"
#include "skald/base/random.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

namespace skald_test {

struct StepA : skald::StepKey<"a", std::string> {};
struct StepB : skald::StepKey<"b", std::string> {};
struct PivotStep : skald::StepKey<"pivot", std::string> {};
struct After : skald::StepKey<"after", std::string> {};
inline constexpr skald::SagaKey<"order", 1, std::string, std::string> kOrder;

using Answer = skald::Verdict<std::string>;
using Undo = skald::Verdict<skald::Nothing>;

// What participants are told to answer, and what they saw. Each list is used up from the front;
// when it is empty the step is Done with "<step>-out".
struct Script {
  std::map<std::string, std::vector<std::function<Answer()>>> answers;
  std::map<std::string, std::vector<std::function<Undo()>>> undo_answers;
  std::vector<std::string> calls;      // "a", "undo b(b-out)", "undo a(?)", "ask pivot"
  std::vector<skald::EffectKey> keys;  // of each call
  std::vector<skald::Incarnation> floors;
  std::vector<bool> repeated;

  Answer Act(const std::string& step, const skald::StepContext& context) {
    Note(step, context);
    auto& left = answers[step];
    if (left.empty()) return step + "-out";
    auto next = std::move(left.front());
    left.erase(left.begin());
    return next();
  }
  Undo Compensate(const std::string& step, const skald::StepContext& context,
                  const std::string* output) {
    Note("undo " + step + "(" + (output == nullptr ? "?" : *output) + ")", context);
    auto& left = undo_answers[step];
    if (left.empty()) return skald::Nothing{};
    auto next = std::move(left.front());
    left.erase(left.begin());
    return next();
  }
  void Note(const std::string& call, const skald::StepContext& context) {
    calls.push_back(call);
    keys.push_back(context.idempotency_key());
    floors.push_back(context.floor());
    repeated.push_back(context.may_be_repeated());
  }
  void Answers(const std::string& step, Answer answer) {
    answers[step].push_back([answer] { return answer; });
  }
  void Throws(const std::string& step) {
    answers[step].push_back([]() -> Answer { throw std::runtime_error("boom"); });
  }
  void UndoAnswers(const std::string& step, Undo answer) {
    undo_answers[step].push_back([answer] { return answer; });
  }
};

struct Seen final : skald::Observer {
  std::vector<std::string> kinds;
  std::vector<std::string> messages;
  void OnNotice(const skald::Notice& notice) override {
    kinds.emplace_back(notice.kind);
    messages.emplace_back(notice.message);
  }
};

class World {
 public:
  World() : store(std::make_unique<skald::MemoryStore>()) {
    options.own_threads = false;
    options.clock = &clock;
    options.random = &random;
    options.observer = &seen;
  }

  // a -> b -> pivot -> after; the modifiers go to the pivot.
  template <typename... Modifiers>
  skald::Definition Order(Modifiers... modifiers) {
    using skald::StepContext;
    Script& s = script;
    return skald::Define(kOrder)
        .Step(
            StepA{}, [&s](const StepContext& c, const std::string&) { return s.Act("a", c); },
            [&s](const StepContext& c, const std::string&, const std::string* o) {
              return s.Compensate("a", c, o);
            })
        .Step(
            StepB{}, [&s](const StepContext& c, const std::string&) { return s.Act("b", c); },
            [&s](const StepContext& c, const std::string&, const std::string* o) {
              return s.Compensate("b", c, o);
            })
        .Pivot(
            PivotStep{},
            [&s](const StepContext& c, const std::string&) { return s.Act("pivot", c); },
            std::move(modifiers)...)
        .Retriable(After{},
                   [&s](const StepContext& c, const std::string&) { return s.Act("after", c); })
        .Returns(PivotStep{})
        .Build();
  }

  void Open(std::vector<skald::Definition> definitions) {
    auto opened = skald::Coordinator::Open(*store, executor, std::move(definitions), options);
    INFO(opened.status().ToString());
    REQUIRE(opened.ok());
    coordinator = *std::move(opened);
  }
  // The process dies: nothing is shut down, what was not durable is gone.
  void Crash() {
    coordinator.reset();
    executor.~ManualExecutor();
    new (&executor) skald::ManualExecutor();
  }

  // Runs everything that can run without time passing.
  void Run() {
    while (coordinator->PollOnce() || executor.RunOne()) {
    }
  }
  // The coordinator alone: attempts are sent but not run.
  void RunLoop() { coordinator->RunUntilIdle(); }
  void Pass(absl::Duration time) {
    clock.Advance(time);
    Run();
  }
  // Lets time pass, timer by timer, until no timer is left.
  void PassUntilQuiet() {
    Run();
    for (int i = 0; i < 20'000; ++i) {
      if (coordinator->NextTimer() == absl::InfiniteFuture()) return;
      clock.Advance(i < 200 ? absl::Seconds(1) : absl::Seconds(20));
      Run();
    }
    FAIL("timers without end");
  }

  skald::SagaHandle<std::string> Start(const std::string& key = "k",
                                       const std::string& input = "in",
                                       absl::Duration deadline = absl::InfiniteDuration()) {
    auto saga = coordinator->Start(kOrder, input, {.key = key, .deadline = deadline});
    INFO(saga.status().ToString());
    REQUIRE(saga.ok());
    return *saga;
  }
  skald::SagaState StateOf(skald::SagaId id) {
    auto details = coordinator->Show(id);
    INFO(details.status().ToString());
    REQUIRE(details.ok());
    return details->info.state;
  }

  skald::ManualClock clock;
  skald::SeededRandom random{7};
  skald::ManualExecutor executor;
  Script script;
  Seen seen;
  std::unique_ptr<skald::MemoryStore> store;
  skald::CoordinatorOptions options;
  std::unique_ptr<skald::Coordinator> coordinator;
};

// Where it matters what a step was given: its call reads "a(in)".
struct Telling : World {
  auto Does(std::string step) {
    return [&s = script, step](const skald::StepContext& c, const std::string& input) {
      return s.Act(step + "(" + input + ")", c);
    };
  }
  auto Undoes(std::string step) {
    return [&s = script, step](const skald::StepContext& c, const std::string&,
                               const std::string* o) { return s.Compensate(step, c, o); };
  }
};

using Calls = std::vector<std::string>;

}  // namespace skald_test
