// Functions of every allowed form run, with typed arguments, and what they say arrives.
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "attempt.h"
#include "catch.h"
#include "skald/saga/define.h"

namespace {

using skald::Define;
using skald::Definition;
using skald::Nothing;
using skald::StepContext;
using skald::Using;
using skald::Verdict;
using skald::VerdictKind;
using skald::internal::CallState;
using skald::testing::Attempt;

struct Order {
  int64_t units;
};
struct Held {
  int64_t units;
};

struct Hold : skald::StepKey<"hold", Held> {};
struct Label : skald::StepKey<"label", std::string> {};
struct Note : skald::StepKey<"note"> {};
inline constexpr skald::SagaKey<"try", 1, Order> kTry;

// A definition of one NoEffect step with this action.
template <typename Key, typename Action>
Definition One(Action&& action) {
  return Define(kTry).NoEffect(Key{}, std::forward<Action>(action)).Build();
}

const skald::internal::StepFunction& ActionOf(const Definition& definition, size_t step = 0) {
  return definition.data().steps[step].action;
}

Held HoldPlainly(const StepContext&, const Order& order) {
  return {order.units};
}

const Order kOrder{7};

int64_t HeldUnits(const Definition& definition) {
  Attempt attempt(definition);
  REQUIRE(attempt.Input(kOrder).Run(ActionOf(definition)) == CallState::kComplete);
  REQUIRE(attempt.result().kind == VerdictKind::kDone);
  CHECK(attempt.done() == 0);
  return attempt.Decoded<Held>().units;
}

TEST_CASE("an action gives its output as a value, a StatusOr or a Verdict") {
  CHECK(HeldUnits(One<Hold>(HoldPlainly)) == 7);
  CHECK(HeldUnits(One<Hold>(&HoldPlainly)) == 7);
  CHECK(HeldUnits(One<Hold>([](const StepContext&, const Order& order) {
          return absl::StatusOr<Held>(Held{order.units + 1});
        })) == 8);
  CHECK(HeldUnits(One<Hold>([](const StepContext&, Order order) -> Verdict<Held> {
          return Held{order.units + 2};
        })) == 9);
}

TEST_CASE("an action may be generic, noexcept, or own what cannot be copied") {
  CHECK(HeldUnits(One<Hold>([](const auto&, const auto& order) { return Held{order.units}; })) ==
        7);
  CHECK(HeldUnits(One<Hold>([](const StepContext&, const Order& order) noexcept {
          return Held{order.units};
        })) == 7);
  CHECK(HeldUnits(One<Hold>([own = std::make_unique<int64_t>(3)](const StepContext&, const Order&) {
          return Held{*own};
        })) == 3);
}

TEST_CASE("an action without output gives void, a Status or a Verdict of Nothing") {
  const auto kind = [](const Definition& definition) {
    Attempt attempt(definition);
    CHECK(attempt.Input(kOrder).Run(ActionOf(definition)) == CallState::kComplete);
    CHECK(attempt.result().output().empty());
    return attempt.result().kind;
  };
  CHECK(kind(One<Note>([](const StepContext&, const Order&) {})) == VerdictKind::kDone);
  CHECK(kind(One<Note>([](const StepContext&, const Order&) { return Nothing{}; })) ==
        VerdictKind::kDone);
  CHECK(kind(One<Note>([](const StepContext&, const Order&) { return absl::OkStatus(); })) ==
        VerdictKind::kDone);
  CHECK(kind(One<Note>([](const StepContext&, const Order&) { return skald::Done(); })) ==
        VerdictKind::kDone);
  CHECK(kind(One<Note>([](const StepContext&, const Order&) {
          return absl::NotFoundError("x");
        })) == VerdictKind::kRejected);
  CHECK(kind(One<Note>([](const StepContext&, const Order&) { return absl::AbortedError("x"); })) ==
        VerdictKind::kUnknown);
}

TEST_CASE("a verdict's reason and delay arrive") {
  const Definition definition = One<Hold>([](const StepContext&, const Order&) -> Verdict<Held> {
    return skald::RetryLater("busy", absl::Seconds(2));
  });
  Attempt attempt(definition);
  attempt.Input(kOrder).Run(ActionOf(definition));
  CHECK(attempt.result().kind == VerdictKind::kRetryLater);
  CHECK(attempt.result().reason() == "busy");
  CHECK(attempt.result().delay == absl::Seconds(2));
}

TEST_CASE("an exception says Unknown with its text") {
  const auto reason = [](const Definition& definition) {
    Attempt attempt(definition);
    CHECK(attempt.Input(kOrder).Run(ActionOf(definition)) == CallState::kComplete);
    CHECK(attempt.result().kind == VerdictKind::kUnknown);
    return std::string(attempt.result().reason());
  };
  CHECK(reason(One<Hold>([](const StepContext&, const Order&) -> Held {
          throw std::runtime_error("connection reset");
        })) == "exception: connection reset");
  CHECK(reason(One<Note>([](const StepContext&, const Order&) {
          throw 5;
        })).starts_with("exception: "));
}

TEST_CASE("used outputs are given in the order of Using") {
  const Definition definition =
      Define(kTry)
          .NoEffect(Hold{}, HoldPlainly)
          .NoEffect(Label{}, [](const StepContext&, const Order&) { return std::string("box"); })
          .NoEffect(
              Note{}, Using(Label{}, Hold{}),
              [](const StepContext&, const Order&, const std::string& label, const Held& held) {
                return label == "box" && held.units == 4 ? absl::OkStatus()
                                                         : absl::InternalError("mixed up");
              })
          .Build();
  const Held held{4};
  const std::string label = "box";
  Attempt attempt(definition);
  attempt.Input(kOrder).Output(0, held).Output(1, label).Run(ActionOf(definition, 2));
  CHECK(attempt.result().kind == VerdictKind::kDone);
  CHECK(definition.data().steps[2].uses == std::vector<uint16_t>{1, 0});
}

TEST_CASE("a compensation is given the output, or null when it is not known") {
  int64_t undone = 0;
  const Definition definition = Define(kTry)
                                    .Step(Hold{}, HoldPlainly,
                                          [&](const StepContext&, const Order&, const Held* held) {
                                            undone = held == nullptr ? -1 : held->units;
                                          })
                                    .Build();
  const auto& compensation = definition.data().steps[0].compensation;
  const Held held{4};
  Attempt known(definition);
  known.Input(kOrder).Own(held).Run(compensation);
  CHECK(known.result().kind == VerdictKind::kDone);
  CHECK(undone == 4);
  Attempt unknown(definition);
  unknown.Input(kOrder).Run(compensation);
  CHECK(unknown.result().kind == VerdictKind::kDone);
  CHECK(undone == -1);
}

TEST_CASE("a compensation may ask for the used outputs too") {
  std::string seen;
  const Definition definition =
      Define(kTry)
          .NoEffect(Label{}, [](const StepContext&, const Order&) { return std::string("box"); })
          .Step(
              Hold{}, Using(Label{}),
              [](const StepContext&, const Order&, const std::string&) { return Held{1}; },
              [&](const StepContext&, const Order&, const Held*, const std::string* label) {
                seen = *label;
                return absl::OkStatus();
              })
          .Build();
  const std::string label = "box";
  Attempt attempt(definition);
  attempt.Input(kOrder).Output(0, label).Run(definition.data().steps[1].compensation);
  CHECK(attempt.result().kind == VerdictKind::kDone);
  CHECK(seen == "box");
}

TEST_CASE("a pivot's Reconcile answers with a verdict of its output") {
  const Definition definition =
      Define(kTry)
          .Pivot(Hold{}, HoldPlainly,
                 skald::Reconcile([](const StepContext&, const Order&) -> Verdict<Held> {
                   return skald::RejectedForKey("never came");
                 }))
          .Build();
  REQUIRE(definition.data().steps[0].reconcile != nullptr);
  Attempt attempt(definition);
  attempt.Input(kOrder).Run(definition.data().steps[0].reconcile);
  CHECK(attempt.result().kind == VerdictKind::kRejectedForKey);
  CHECK(attempt.result().reason() == "never came");
}

TEST_CASE("an output is appended to the result's own memory") {
  const Definition definition = One<Hold>(HoldPlainly);
  Attempt attempt(definition);
  attempt.mutable_result().text.reserve(100);
  const char* const memory = attempt.result().text.data();
  attempt.Input(kOrder).Run(ActionOf(definition));
  CHECK(attempt.result().output().size() == sizeof(Held));
  CHECK(attempt.result().text.data() == memory);
}

struct Picky {
  bool encodes;
};

}  // namespace

template <>
struct skald::Codec<Picky> {
  static constexpr std::string_view kName = "picky";
  static constexpr uint32_t kSchemaVersion = 3;
  static absl::Status Encode(const Picky& value, std::string* out) {
    out->append("partly");
    return value.encodes ? absl::OkStatus() : absl::InvalidArgumentError("no room");
  }
  static absl::StatusOr<Picky> Decode(std::string_view bytes) {
    if (bytes != "partly") return absl::DataLossError("not picky");
    return Picky{true};
  }
};

namespace {

struct Pick : skald::StepKey<"pick", Picky> {};

TEST_CASE("an output that does not encode is Done without output and says why") {
  const Definition definition =
      One<Pick>([](const StepContext&, const Order& order) { return Picky{order.units == 0}; });
  Attempt attempt(definition);
  attempt.Input(kOrder).Run(ActionOf(definition));
  CHECK(attempt.result().kind == VerdictKind::kDone);
  CHECK(attempt.result().output_failed);
  CHECK(attempt.result().output().empty());
  CHECK(attempt.result().reason() == "the output does not encode: no room");
}

TEST_CASE("values of a step's type are decoded in place and destroyed") {
  const Definition definition =
      One<Label>([](const StepContext&, const Order&) { return std::string("x"); });
  const skald::internal::ValueOps& ops = definition.data().steps[0].output;
  CHECK(ops.size == sizeof(std::string));
  CHECK(ops.align == alignof(std::string));
  alignas(std::string) std::byte memory[sizeof(std::string)];
  const std::string text(100, 'a');
  REQUIRE(ops.decode(text, memory).ok());
  CHECK(*std::launder(reinterpret_cast<std::string*>(memory)) == text);
  ops.destroy(memory);

  const skald::internal::ValueOps& input = definition.data().input;
  CHECK(input.decode("short", memory).code() == absl::StatusCode::kDataLoss);
}

}  // namespace
