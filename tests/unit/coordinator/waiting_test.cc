// Ways in which waiting went wrong: each of these once did.
#include <thread>

#include "skald/store/committer.h"
#include "world.h"

namespace skald_test {

// A value that encodes and does not decode.
struct Garbled {};

}  // namespace skald_test

template <>
struct skald::Codec<skald_test::Garbled> {
  static constexpr std::string_view kName = "garbled";
  static constexpr uint32_t kSchemaVersion = 1;
  static absl::Status Encode(const skald_test::Garbled&, std::string* out) {
    out->append("x");
    return absl::OkStatus();
  }
  static absl::StatusOr<skald_test::Garbled> Decode(std::string_view) {
    return absl::DataLossError("garbled");
  }
};

namespace skald_test {
namespace {

using skald::Define;
using skald::ForEach;
using skald::RunSaga;
using skald::SagaState;
using skald::StepContext;
using skald::Using;

constexpr auto kSixHours = absl::Hours(6);

struct Ship : skald::StepKey<"ship", std::string> {};
struct Parcel : skald::StepKey<"parcel", std::string> {};
struct Bad : skald::StepKey<"bad", Garbled> {};
struct Worse : skald::StepKey<"worse", Garbled> {};
struct StepC : skald::StepKey<"c", std::string> {};
struct Items : skald::StepKey<"items", std::string> {};
inline constexpr skald::SagaKey<"shipping", 1, std::string, std::string> kShipping;

struct Waiting : World {
  Waiting() { options.asleep_after = absl::Seconds(5); }
  auto Does(std::string step) {
    return [&s = script, step](const StepContext& c, const std::string&) { return s.Act(step, c); };
  }
  auto Undoes(std::string step) {
    return [&s = script, step](const StepContext& c, const std::string&, const std::string* o) {
      return s.Compensate(step, c, o);
    };
  }
  size_t Count(const std::string& call) const {
    return static_cast<size_t>(std::count(script.calls.begin(), script.calls.end(), call));
  }
  skald::Definition Shipping(absl::Duration retention) {
    return Define(kShipping)
        .Pivot(Ship{}, Does("ship"))
        .Returns(Ship{})
        .Retention(retention)
        .Build();
  }
  skald::Definition Shipped() {
    return Define(kOrder)
        .Pivot(PivotStep{}, Does("pivot"))
        .Retriable(Parcel{}, RunSaga(kShipping))
        .Returns(Parcel{})
        .Build();
  }
  skald::Definition Fan(uint32_t parallelism) {
    Script& s = script;
    return Define(kOrder)
        .Step(
            Items{},
            ForEach([](const std::string&) { return std::vector<std::string>{"1", "2", "3"}; },
                    parallelism),
            [&s](const StepContext& c, const std::string&, const std::string& item) {
              return s.Act("item" + item, c);
            },
            [&s](const StepContext& c, const std::string&, const std::string& item,
                 const std::string* o) { return s.Compensate("item" + item, c, o); })
        .NoEffect(StepC{}, Does("after"))
        .Returns(StepC{})
        .Build();
  }
};

TEST_CASE("what an orderly shutdown holds back goes on at the next open") {
  Waiting w;
  w.Open({w.Order()});
  auto saga = w.Start();
  w.RunLoop();
  REQUIRE(w.executor.pending() == 1);  // a is sent
  {
    std::jthread step([&] {
      while (w.executor.RunOne() == false) std::this_thread::yield();
    });
    CHECK(w.coordinator->Shutdown(absl::Seconds(5)).ok());
  }
  w.Crash();
  w.Open({w.Order()});
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "after"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("one that waits for a saga falls asleep although time passes while that is written") {
  Waiting w;
  w.script.Answers("ship", skald::RetryLater("full", absl::Hours(40)));
  w.Open({w.Shipped(), w.Shipping(absl::Hours(240))});
  w.Start();
  w.Run();
  w.clock.Advance(absl::Seconds(6));
  for (int i = 0; i <= 200; ++i) {
    w.clock.Advance(absl::Milliseconds(1));
    w.coordinator->PollOnce();
  }
  CHECK(w.coordinator->stats().asleep == 2);
  CHECK(w.coordinator->stats().commits < 20);
}

TEST_CASE("what another coordinator over the same committer had woken may have been sent") {
  Waiting w;
  auto committer = skald::Committer::Open(*w.store, {.own_thread = false, .clock = &w.clock});
  REQUIRE(committer.ok());
  const auto open = [&] {
    auto opened = skald::Coordinator::Open(**committer, w.executor, {w.Order()}, w.options);
    REQUIRE(opened.ok());
    w.coordinator = *std::move(opened);
  };
  const auto run = [&](bool steps) {
    while (w.coordinator->PollOnce() || (*committer)->PollOnce() ||
           (steps && w.executor.RunOne())) {
    }
  };
  open();
  w.script.Answers("pivot", skald::RetryLater("closed", kSixHours));
  auto saga = w.coordinator->Start(kOrder, "in", {.key = "k"});
  REQUIRE(saga.ok());
  run(true);
  REQUIRE(w.coordinator->stats().asleep == 1);
  w.clock.Advance(kSixHours);
  run(false);
  REQUIRE(w.executor.RunOne());  // it charges, and its coordinator is gone before it hears of that
  w.coordinator.reset();
  open();
  w.script.Answers("pivot", skald::Rejected("declined"));
  for (int i = 0; i < 10; ++i) {
    run(true);
    w.clock.Advance(absl::Minutes(2));
  }
  run(true);
  CHECK(w.coordinator->Show(saga->id())->info.state == SagaState::kCompleted);
}

TEST_CASE("a build with less parallelism goes on with that of the items that are journaled") {
  SECTION("what may have run is undone") {
    Waiting w;
    w.Open({w.Fan(3)});
    auto saga = w.Start();
    w.RunLoop();
    while (w.executor.RunOne()) {
    }
    w.Crash();  // none of the three verdicts is journaled
    w.Open({w.Fan(1)});
    w.RunLoop();
    REQUIRE(w.coordinator->Cancel(saga.id(), {"me", "no"}).ok());
    w.Run();
    w.PassUntilQuiet();
    for (const std::string item : {"item1", "item2", "item3"}) {
      INFO(item);
      const size_t without = w.Count("undo " + item + "(?)");
      CHECK(without + w.Count("undo " + item + "(" + item + "-out)") == 1);
    }
  }
  SECTION("what is journaled folds") {
    Waiting w;
    w.Open({w.Fan(3)});
    auto saga = w.Start();
    w.RunLoop();
    REQUIRE(w.executor.RunAt(2));
    w.RunLoop();
    w.Crash();
    w.Open({w.Fan(1)});
    w.Run();
    CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  }
}

TEST_CASE("a saga that has ended is not started again by a build with another retention") {
  Waiting w;
  w.options.finished_in_memory_max = 2;
  w.script.Answers("ship", skald::RetryLater("full", absl::Seconds(40)));
  w.Open({w.Shipped(), w.Shipping(absl::Minutes(10))});
  auto saga = w.Start();
  w.Run();
  w.Pass(absl::Seconds(6));
  REQUIRE(w.coordinator->stats().asleep == 2);
  w.Crash();
  // Its starter's definition is not there when it ends, and is not for long after.
  w.Open({w.Shipping(absl::Minutes(10))});
  w.Pass(absl::Seconds(41));
  for (int i = 0; i < 8; ++i) {
    REQUIRE(w.coordinator->Start(kShipping, "x", {.key = "other" + std::to_string(i)}).ok());
    w.Run();
  }
  w.Pass(absl::Hours(1));
  w.Crash();
  const size_t before = w.Count("ship");
  w.Open({w.Shipped(), w.Shipping(absl::Hours(24))});
  w.PassUntilQuiet();
  CHECK(w.Count("ship") == before);
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a saga can be abandoned while an attempt of it still runs") {
  Waiting w;
  Script& s = w.script;
  w.Open({Define(kOrder)
              .Step(
                  Bad{}, skald::After(),
                  [&s](const StepContext& c, const std::string&) {
                    s.Note("bad", c);
                    return Garbled{};
                  },
                  [](const StepContext&, const std::string&, const Garbled*) {
                    return Undo(skald::Nothing{});
                  })
              .Step(StepB{}, skald::After(), w.Does("b"), w.Undoes("b"))
              .Step(
                  StepC{}, Using(Bad{}),
                  [&s](const StepContext& c, const std::string&, const Garbled&) {
                    return s.Act("c", c);
                  },
                  w.Undoes("c"))
              .Returns(StepB{})
              .Build()});
  auto saga = w.Start();
  w.RunLoop();
  REQUIRE(w.executor.RunOne());
  w.RunLoop();
  REQUIRE(w.StateOf(saga.id()) == SagaState::kStuck);
  w.coordinator->AbandonThen(saga.id(), {"me", "given up"}, [](const absl::Status&) {});
  REQUIRE(w.executor.RunOne());  // b comes back before that is durable
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kAbandoned);
}

TEST_CASE("of two outputs that do not decode the first is named") {
  Waiting w;
  const auto garble = [](const StepContext&, const std::string&) { return Garbled{}; };
  const auto undo = [](const StepContext&, const std::string&, const Garbled*) {
    return Undo(skald::Nothing{});
  };
  w.Open({Define(kOrder)
              .Step(Bad{}, garble, undo)
              .Step(Worse{}, garble, undo)
              .Step(
                  StepB{}, Using(Bad{}, Worse{}),
                  [](const StepContext&, const std::string&, const Garbled&, const Garbled&) {
                    return std::string("b");
                  },
                  w.Undoes("b"))
              .Returns(StepB{})
              .Build()});
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.StateOf(saga.id()) == SagaState::kStuck);
  auto outcome = saga.Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK_THAT(outcome->reason(), Catch::Contains("the output of 'bad' does not decode"));
}

TEST_CASE("after a restart one that is put off says until when, and leaves memory again") {
  Waiting w;
  w.Open({w.Order()});
  w.script.Answers("b", skald::RetryLater("closed", kSixHours));
  auto saga = w.Start();
  w.Run();
  const std::string until = absl::FormatTime(w.clock.Wall() + kSixHours, absl::UTCTimeZone());
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.coordinator->List({})->front().waiting_for == "attempt 2 at " + until);
  CHECK(w.coordinator->Show(saga.id())->info.waiting_for == "attempt 2 at " + until);
  w.Pass(absl::Minutes(10));
  CHECK(w.coordinator->stats().asleep == 1);
  w.Pass(kSixHours);
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("the turn ends the waits of actions, and a compensation's own wait leaves memory") {
  Waiting w;
  w.Open({Define(kOrder)
              .Step(StepA{}, skald::After(), w.Does("a"), w.Undoes("a"))
              .Step(StepB{}, skald::After(), w.Does("b"), w.Undoes("b"))
              .Returns(StepA{})
              .Build()});
  w.script.Answers("a", skald::RetryLater("closed", absl::Hours(5)));
  w.script.Answers("b", skald::RejectedForKey("no"));
  w.script.UndoAnswers("a", skald::RetryLater("closed", kSixHours));
  w.Start();
  w.Run();
  w.Pass(absl::Minutes(10));
  CHECK(w.coordinator->stats().asleep == 1);
}

TEST_CASE("a step that was overdue once, and has come back, lets its saga leave memory later") {
  Waiting w;
  w.Open({Define(kOrder)
              .Step(StepA{}, w.Does("a"), w.Undoes("a"), skald::Timeout(absl::Seconds(10)),
                    skald::Guarded())
              .Returns(StepA{})
              .Build()});
  w.Start();
  w.RunLoop();
  w.clock.Advance(absl::Seconds(11));
  w.RunLoop();
  w.clock.Advance(absl::Seconds(1));
  w.RunLoop();
  for (int i = 0; i < 3; ++i) w.script.Answers("a", skald::RetryLater("closed", kSixHours));
  w.Run();
  w.Pass(absl::Hours(1));
  CHECK(w.coordinator->stats().asleep == 1);
}

}  // namespace
}  // namespace skald_test
