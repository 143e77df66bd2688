// Definitions within definitions.
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;
using skald::Using;
using skald::When;
using skald::Within;

struct Left : skald::StepKey<"left", std::string> {};
struct Right : skald::StepKey<"right", std::string> {};
struct Hold : skald::StepKey<"hold", std::string> {};
struct Pay : skald::StepKey<"pay", std::string> {};
struct Paid : skald::SignalKey<"paid", std::string> {};
struct Charge : skald::StepKey<"charge", std::string> {};
struct Tell : skald::StepKey<"tell", std::string> {};
struct Wanted : skald::StepKey<"wanted", bool> {};
struct Gate : skald::StepKey<"gate", std::string> {};
inline constexpr skald::SagaKey<"holding", 1, std::string, std::string> kHolding;
inline constexpr skald::SagaKey<"payment", 1, std::string, std::string> kPayment;

struct Composed : Telling {
  // left and right, side by side; gives what right gave.
  auto Holding() {
    return Define(kHolding)
        .Step(Left{}, skald::After(), Does("left"), Undoes("left"))
        .Step(Right{}, skald::After(), Does("right"), Undoes("right"))
        .Returns(Right{})
        .Build();
  }
  // a hold, the pivot, and a word about it.
  auto Payment() {
    return Define(kPayment)
        .Step(Hold{}, Does("hold"), Undoes("hold"))
        .Pivot(Charge{}, Using(Hold{}),
               [&s = script](const StepContext& c, const std::string& in, const std::string& hold) {
                 return s.Act("charge(" + in + "," + hold + ")", c);
               })
        .Retriable(Tell{}, Does("tell"))
        .Returns(Charge{})
        .Build();
  }
  // The whole: a, then the holding for "for a-out", then the payment as the pivot, then b.
  skald::Definition Whole() {
    return Define(kOrder)
        .Step(StepA{}, Does("a"), Undoes("a"))
        .Step(Gate{}, Using(StepA{}), Holding(),
              [](const std::string& in, const std::string& a) { return in + "+" + a; })
        .Pivot(Pay{}, Payment())
        .Retriable(StepB{}, Using(Pay{}, Gate{}),
                   [&s = script](const StepContext& c, const std::string&, const std::string& pay,
                                 const std::string& gate) {
                     return s.Act("b(" + pay + "," + gate + ")", c);
                   })
        .Returns(Pay{})
        .Build();
  }
};

TEST_CASE("a definition in a step's place runs its steps under its own input") {
  Composed w;
  w.Open({w.Whole()});
  auto saga = w.Start();
  w.Run();
  const Calls expected = {"a(in)",
                          "left(in+a(in)-out)",
                          "right(in+a(in)-out)",
                          "hold(in)",
                          "charge(in,hold(in)-out)",
                          "tell(in)",
                          "b(charge(in,hold(in)-out)-out,right(in+a(in)-out)-out)"};
  CHECK(w.script.calls == expected);
  CHECK(saga.Await()->state() == SagaState::kCompleted);
  CHECK(*saga.Await()->result() == "charge(in,hold(in)-out)-out");
}

TEST_CASE("the steps of a part are named behind its key, and undone with all others") {
  Composed w;
  w.Open({w.Whole()});
  w.script.Answers("charge(in,hold(in)-out)", skald::RejectedForKey("no money"));
  auto saga = w.Start();
  w.Run();
  const auto outcome = *saga.Await();
  CHECK(outcome.state() == SagaState::kCompensated);
  CHECK(outcome.step() == "pay/charge");
  CHECK(outcome.reason() == "no money");
  const Calls undone(w.script.calls.begin() + 5, w.script.calls.end());
  CHECK(undone == Calls{"undo hold(hold(in)-out)", "undo left(left(in+a(in)-out)-out)",
                        "undo right(right(in+a(in)-out)-out)", "undo a(a(in)-out)"});
}

TEST_CASE("the input of a part is worked out once and journaled") {
  Composed w;
  int calls = 0;
  const auto definition = [&] {
    return Define(kOrder)
        .Step(Gate{}, w.Holding(),
              [&calls](const std::string& in) { return in + std::to_string(++calls); })
        .Returns(Gate{})
        .Build();
  };
  w.Open({definition()});
  auto saga = w.Start();
  w.RunLoop();
  CHECK(calls == 1);
  w.Crash();
  w.Open({definition()});
  w.Run();
  CHECK(calls == 1);
  CHECK(w.script.calls == Calls{"left(in1)", "right(in1)"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("an input that throws is a rejection") {
  Composed w;
  w.Open({Define(kOrder)
              .Step(StepA{}, w.Does("a"), w.Undoes("a"))
              .Step(Gate{}, w.Holding(),
                    [](const std::string&) -> std::string { throw std::runtime_error("no input"); })
              .Returns(Gate{})
              .Build()});
  auto saga = w.Start();
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(saga.Await()->step() == "gate/(input)");
  CHECK(w.script.calls == Calls{"a(in)", "undo a(a(in)-out)"});
}

TEST_CASE("a part goes by the decisions of its key, all of it") {
  for (const bool wanted : {true, false}) {
    Composed w;
    w.Open({Define(kOrder)
                .Decide(Wanted{}, [wanted](const std::string&) { return wanted; })
                .Step(Gate{}, When(Wanted{}), w.Holding(), [](const std::string& in) { return in; })
                .NoEffect(StepA{}, Using(Gate{}),
                          [&s = w.script](const StepContext& c, const std::string&,
                                          const std::string* gate) {
                            return s.Act(gate == nullptr ? "nothing" : *gate, c);
                          })
                .Returns(StepA{})
                .Build()});
    auto saga = w.Start();
    w.Run();
    CHECK(saga.Await()->state() == SagaState::kCompleted);
    CHECK(w.script.calls ==
          (wanted ? Calls{"left(in)", "right(in)", "right(in)-out"} : Calls{"nothing"}));
  }
}

TEST_CASE("a signal reaches an await within a part, under both names") {
  Composed w;
  const auto waiting =
      Define(kHolding)
          .AwaitSignal(Paid{}, absl::Minutes(5))
          .NoEffect(Left{}, Using(Paid{}),
                    [](const StepContext&, const std::string&,
                       const std::optional<std::string>& paid) { return paid.value_or("nothing"); })
          .Returns(Left{})
          .Build();
  w.Open({Define(kOrder).Step(Gate{}, waiting).Returns(Gate{}).Build()});
  auto saga = w.Start();
  w.Run();
  CHECK(absl::IsInvalidArgument(w.coordinator->Signal(saga.id(), Paid{}, "10", "d")));
  CHECK(w.coordinator->Signal(saga.id(), Within<Gate, Paid>{}, "10", "d").ok());
  w.Run();
  CHECK(*saga.Await()->result() == "10");
}

TEST_CASE("a signal into a part comes too early until the part's input is known") {
  Composed w;
  const auto undo = [&s = w.script](const StepContext& c, const std::string& input,
                                    const std::optional<std::string>*) {
    s.Note("gives back to " + input, c);
  };
  const auto waiting = Define(kHolding)
                           .AwaitSignal(Paid{}, absl::Minutes(5), undo)
                           .NoEffect(Left{}, w.Does("left"))
                           .Returns(Left{})
                           .Build();
  w.Open({Define(kOrder)
              .Step(StepA{}, w.Does("a"), w.Undoes("a"))
              .Step(Gate{}, waiting, [](const std::string& in) { return "part of " + in; })
              .Returns(Gate{})
              .Build()});
  w.script.Answers("left(part of in)", skald::Rejected("no"));
  auto saga = w.Start();
  const Within<Gate, Paid> paid;
  CHECK(absl::IsUnavailable(w.coordinator->Signal(saga.id(), paid, "10", "d")));
  w.Run();
  CHECK(w.coordinator->Signal(saga.id(), paid, "10", "d").ok());
  w.Run();
  CHECK(w.script.calls ==
        Calls{"a(in)", "left(part of in)", "gives back to part of in", "undo a(a(in)-out)"});
}

TEST_CASE("a composed definition draws its parts as frames") {
  Composed w;
  const std::string dot = skald::ToDot(w.Whole());
  CHECK(dot.find("subgraph cluster_0 {\n  label=\"gate\";") != std::string::npos);
  CHECK(dot.find("label=\"charge\\npivot\"") != std::string::npos);
}

TEST_CASE("a part within a part has both names, and its own input") {
  Composed w;
  const auto middle =
      Define(kPayment)
          .Step(Gate{}, w.Holding(), [](const std::string& in) { return in + "/inner"; })
          .Step(StepA{}, w.Does("a"), w.Undoes("a"))
          .Returns(Gate{})
          .Build();
  const skald::Definition whole =
      Define(kOrder)
          .Step(StepB{}, w.Does("b"), w.Undoes("b"))
          .Step(Pay{}, middle, [](const std::string& in) { return in + "/outer"; })
          .Step(
              Tell{}, Using(Pay{}),
              [&s = w.script](const StepContext& c, const std::string&, const std::string& pay) {
                return s.Act("tell(" + pay + ")", c);
              },
              w.Undoes("tell"))
          .Returns(Pay{})
          .Build();
  w.Open({whole});
  auto saga = w.Start();
  w.Run();
  CHECK(w.script.calls == Calls{"b(in)", "left(in/outer/inner)", "right(in/outer/inner)",
                                "a(in/outer)", "tell(right(in/outer/inner)-out)"});
  std::vector<std::string> names;
  for (const auto& step : whole.data().steps) names.push_back(step.name);
  CHECK(names == std::vector<std::string>{"b", "pay/(input)", "pay/gate/(input)", "pay/gate/left",
                                          "pay/gate/right", "pay/a", "tell"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

}  // namespace
}  // namespace skald_test
