// Sagas that steps start behind the pivot, and wait for.
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::ForEach;
using skald::RunSaga;
using skald::SagaState;
using skald::StepContext;
using skald::Using;

struct Parcel : skald::StepKey<"parcel", std::string> {};
struct Ship : skald::StepKey<"ship", std::string> {};
struct Sum : skald::StepKey<"sum", std::string> {};
struct Pack : skald::StepKey<"pack", std::string> {};
inline constexpr skald::SagaKey<"shipping", 1, std::string, std::string> kShipping;

struct Starting : Telling {
  skald::Definition Shipping() {
    return Define(kShipping)
        .Step(Pack{}, Does("pack"), Undoes("pack"))
        .Pivot(Ship{}, Does("ship"))
        .Returns(Ship{})
        .Build();
  }
  // The pivot, then a saga that ships, then b with what it gave.
  skald::Definition Order() {
    return Define(kOrder)
        .Pivot(PivotStep{}, Does("pivot"))
        .Retriable(Parcel{}, Using(PivotStep{}), RunSaga(kShipping),
                   [](const std::string& in, const std::string& pivot) { return in + "+" + pivot; })
        .Retriable(
            StepB{}, Using(Parcel{}),
            [&s = script](const StepContext& c, const std::string&, const std::string& parcel) {
              return s.Act("b(" + parcel + ")", c);
            })
        .Returns(StepB{})
        .Build();
  }
  std::vector<skald::SagaInfo> Ships(bool finished = true) {
    auto all = coordinator->List({.definition = "shipping", .finished = finished});
    REQUIRE(all.ok());
    return *all;
  }
};

constexpr const char* kPacks = "pack(in+pivot(in)-out)";
constexpr const char* kShips = "ship(in+pivot(in)-out)";

TEST_CASE("a step starts a saga, waits for its end and has its result") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.script.calls == Calls{"pivot(in)", kPacks, kShips, "b(" + std::string(kShips) + "-out)"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
  REQUIRE(w.Ships().size() == 1);
  CHECK(w.Ships().front().state == SagaState::kCompleted);
  CHECK(w.coordinator->stats().in_flight == 0);
}

TEST_CASE("who waits for a saga says so, and for which") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kPacks, skald::RetryLater("full", absl::Minutes(3)));
  auto saga = w.Start();
  w.Run();
  const auto shown = w.coordinator->Show(saga.id());
  REQUIRE(w.Ships().size() == 1);
  CHECK(shown->info.waiting_for == "saga 'shipping' under key '" + w.Ships().front().key + "'");
  w.PassUntilQuiet();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("after a crash at any moment the saga is started once") {
  for (int crash_after = 0; crash_after < 14; ++crash_after) {
    INFO(crash_after);
    Starting w;
    w.Open({w.Order(), w.Shipping()});
    auto saga = w.Start();
    for (int i = 0; i < crash_after; ++i) {
      if (!w.coordinator->PollOnce()) w.executor.RunOne();
    }
    w.Crash();
    w.Open({w.Order(), w.Shipping()});
    w.PassUntilQuiet();
    CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
    CHECK(w.Ships().size() == 1);
  }
}

TEST_CASE("who waits long for a saga leaves memory, and comes back for its end") {
  Starting w;
  w.options.asleep_after = absl::Seconds(5);
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kPacks, skald::RetryLater("full", absl::Seconds(40)));
  auto saga = w.Start();
  w.Run();
  w.Pass(absl::Seconds(6));
  CHECK(w.coordinator->stats().asleep == 2);  // the other one too: it is put off for long
  CHECK(w.StateOf(saga.id()) == SagaState::kRunning);
  w.Pass(absl::Seconds(40));
  CHECK(saga.Await(absl::ZeroDuration())->state() == SagaState::kCompleted);
  CHECK(w.coordinator->stats().asleep == 0);
}

TEST_CASE("one that sleeps through a restart asks for the end by itself") {
  Starting w;
  w.options.asleep_after = absl::Seconds(5);
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kPacks, skald::RetryLater("full", absl::Seconds(40)));
  auto saga = w.Start();
  w.Run();
  w.Pass(absl::Seconds(6));
  REQUIRE(w.coordinator->stats().asleep == 2);
  w.Crash();
  w.Open({w.Order(), w.Shipping()});
  w.PassUntilQuiet();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  CHECK(w.Ships().size() == 1);
}

TEST_CASE("a saga that is undone blocks its step, and a Retry starts another one") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kShips, skald::Rejected("no van"));
  auto saga = w.Start();
  w.Run();
  const auto stuck = *saga.Await();
  CHECK(stuck.state() == SagaState::kStuck);
  CHECK(stuck.step() == "parcel");
  REQUIRE(w.Ships().size() == 1);
  CHECK(stuck.reason() ==
        "saga " + ToString(w.Ships().front().id) + ", which it started, is Compensated: no van");
  REQUIRE(w.coordinator->Retry(saga.id(), {"me", "there is one now"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
  CHECK(w.Ships().size() == 2);
  CHECK(w.Ships().front().key != w.Ships().back().key);
}

TEST_CASE("an operator says what the saga would have given") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kShips, skald::Rejected("no van"));
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.coordinator->SupplyOutput(saga.id(), Parcel{}, "by bike", {"me", "went myself"}).ok());
  w.Run();
  CHECK(*saga.Await()->result() == "b(by bike)-out");
}

TEST_CASE("while the other saga is stuck the step waits") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  w.script.Answers(kShips, skald::Rejected("no van"));
  w.script.UndoAnswers("pack", skald::Rejected("glued"));
  auto saga = w.Start();
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kRunning);
  REQUIRE(w.Ships().front().state == SagaState::kStuck);
  REQUIRE(w.coordinator->Abandon(w.Ships().front().id, {"me", "thrown away"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kStuck);
}

TEST_CASE("a saga is started for each item, and the outputs come in their order") {
  Starting w;
  w.Open({Define(kOrder)
              .Pivot(PivotStep{}, w.Does("pivot"))
              .Retriable(Parcel{},
                         ForEach(
                             [](const std::string& in) {
                               return std::vector<std::string>{in + "1", in + "2", in + "3"};
                             },
                             2),
                         RunSaga(kShipping))
              .Retriable(Sum{}, Using(Parcel{}),
                         [](const StepContext&, const std::string&,
                            const std::vector<std::string>& parcels) {
                           std::string all;
                           for (const std::string& parcel : parcels) all += parcel + " ";
                           return all;
                         })
              .Returns(Sum{})
              .Build(),
          w.Shipping()});
  w.script.Answers("pack(in1)", skald::RetryLater("full", absl::Seconds(10)));
  auto saga = w.Start();
  w.Run();
  w.PassUntilQuiet();
  CHECK(*saga.Await()->result() == "ship(in1)-out ship(in2)-out ship(in3)-out ");
  CHECK(w.Ships().size() == 3);
}

TEST_CASE("beyond its retention a saga is not started again") {
  Starting w;
  const auto short_lived = [&w] {
    return Define(kShipping)
        .Pivot(Ship{}, w.Does("ship"))
        .Returns(Ship{})
        .Retention(absl::Minutes(10))
        .Build();
  };
  w.Open({w.Order(), short_lived()});
  auto saga = w.Start();
  // It has ended, and its starter has not heard of it when the process dies.
  while (w.coordinator->stats().completed == 0) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.Crash();
  const Calls before = w.script.calls;
  // Without the starter's definition nobody asks for a month.
  w.options.accept_time_leap = true;
  w.Open({short_lived()});
  for (int day = 0; day < 31; ++day) w.Pass(absl::Hours(24));
  w.Crash();
  w.Open({w.Order(), short_lived()});
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(w.script.calls == before);
  CHECK(w.coordinator->Show(saga.id())->info.reason.find("its retention is over") !=
        std::string::npos);
}

TEST_CASE("what a step starts must be registered, with the input and result that it knows") {
  Starting w;
  const auto opened = [&w](std::vector<skald::Definition> definitions) {
    return skald::Coordinator::Open(*w.store, w.executor, std::move(definitions), w.options)
        .status()
        .ToString();
  };
  CHECK(opened({w.Order()}) ==
        "INVALID_ARGUMENT: opening a coordinator: step 'parcel' of 'order' v1 starts 'shipping' "
        "v1, which is not among the definitions: give it, too");
  struct Number : skald::StepKey<"number", int64_t> {};
  static constexpr skald::SagaKey<"shipping", 1, std::string, int64_t> kOther;
  CHECK(opened({w.Order(),
                Define(kOther)
                    .NoEffect(Number{},
                              [](const StepContext&, const std::string&) -> int64_t { return 7; })
                    .Returns(Number{})
                    .Build()}) ==
        "INVALID_ARGUMENT: opening a coordinator: step 'parcel' of 'order' v1 starts 'shipping' "
        "v1, which gives another result");
}

TEST_CASE("a key that looks like a step's own disturbs nobody") {
  Starting w;
  w.Open({w.Order(), w.Shipping()});
  auto saga = w.Start();
  w.Run();
  const std::string key = w.Ships().front().key;
  for (const std::string& forged : {key + ".7", key.substr(0, 40), std::string("~")}) {
    auto other = w.coordinator->Start(kShipping, "x", {.key = forged});
    REQUIRE(other.ok());
    w.Run();
    CHECK(other->Await()->state() == SagaState::kCompleted);
  }
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

}  // namespace
}  // namespace skald_test
