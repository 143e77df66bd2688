// Steps side by side, decisions, and the turn with several of them under way.
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;
using skald::Unless;
using skald::Using;
using skald::When;

struct Stock : skald::StepKey<"stock", std::string> {};
struct Coupon : skald::StepKey<"coupon", std::string> {};
struct Points : skald::StepKey<"points", std::string> {};
struct ByCard : skald::StepKey<"by-card", bool> {};
struct Card : skald::StepKey<"card", std::string> {};
struct Hold : skald::StepKey<"hold", std::string> {};
struct Wallet : skald::StepKey<"wallet", std::string> {};
struct Ship : skald::StepKey<"ship", std::string> {};
struct Result : skald::StepKey<"result", std::string> {};

auto Do(Script& s, const char* name) {
  return [&s, name](const StepContext& c, const std::string&) { return s.Act(name, c); };
}
auto Undoes(Script& s, const char* name) {
  return [&s, name](const StepContext& c, const std::string&, const std::string* o) {
    return s.Compensate(name, c, o);
  };
}

// stock, coupon and points side by side; then the card, which follows them all.
skald::Definition SideBySide(Script& s) {
  return Define(kOrder)
      .Step(Stock{}, skald::After(), Do(s, "stock"), Undoes(s, "stock"))
      .Step(Coupon{}, skald::After(), Do(s, "coupon"), Undoes(s, "coupon"))
      .Step(Points{}, skald::After(Coupon{}), Do(s, "points"), Undoes(s, "points"))
      .Pivot(Card{}, Do(s, "card"))
      .Returns(Card{})
      .Build();
}

TEST_CASE("steps that name what they follow run beside the others") {
  World w;
  w.Open({SideBySide(w.script)});
  auto saga = w.Start();
  w.RunLoop();
  // Both were sent before either has run.
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "coupon", "points", "card"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a step that names nothing follows everything that is declared before it") {
  World w;
  w.Open({SideBySide(w.script)});
  w.script.Answers("stock", skald::RetryLater("later"));
  auto saga = w.Start();
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "coupon", "points"});
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"stock", "coupon", "points", "stock", "card"});
}

TEST_CASE("when one of several is rejected, the others' verdicts are awaited and then undone") {
  World w;
  w.Open({SideBySide(w.script)});
  w.script.Answers("stock", skald::Rejected("none left"));
  auto saga = w.Start();
  w.RunLoop();
  REQUIRE(w.executor.RunOne());  // stock says no
  w.RunLoop();                   // the saga turns while coupon is still to run
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensating);
  CHECK(w.script.calls == Calls{"stock"});
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "coupon", "undo coupon(coupon-out)"});
  const auto outcome = saga.Await();
  CHECK(outcome->state() == SagaState::kCompensated);
  CHECK(outcome->reason() == "none left");
  CHECK(outcome->step() == "stock");
}

TEST_CASE("of two that are rejected side by side the first is to blame") {
  World w;
  w.Open({SideBySide(w.script)});
  w.script.Answers("stock", skald::Rejected("none left"));
  w.script.Answers("coupon", skald::Rejected("used before"));
  auto saga = w.Start();
  w.RunLoop();
  REQUIRE(w.executor.RunOne());
  REQUIRE(w.executor.RunOne());
  w.Run();
  CHECK(saga.Await()->reason() == "none left");
}

TEST_CASE("independent steps are undone side by side, each after what follows it") {
  World w;
  w.Open({SideBySide(w.script)});
  w.script.Answers("card", skald::Rejected("no money"));
  auto saga = w.Start();
  while (w.StateOf(saga.id()) != SagaState::kCompensating) {
    REQUIRE((w.coordinator->PollOnce() || w.executor.RunOne()));
  }
  w.script.calls.clear();
  w.RunLoop();
  // stock and points have nothing behind them; coupon waits for points.
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.script.calls ==
        Calls{"undo stock(stock-out)", "undo points(points-out)", "undo coupon(coupon-out)"});
  CHECK(saga.Await()->state() == SagaState::kCompensated);
}

TEST_CASE("after a restart every step that could have been under way may have run") {
  World w;
  w.Open({SideBySide(w.script)});
  auto saga = w.Start();
  w.RunLoop();
  w.Crash();
  w.script.Answers("stock", skald::Rejected("none left"));
  w.Open({SideBySide(w.script)});
  w.Run();
  // Both were lost to the restart: the no is not clean, and coupon is undone, too.
  CHECK(w.script.calls == Calls{"stock", "coupon", "undo stock(?)", "undo coupon(coupon-out)"});
  CHECK(w.script.repeated[0]);
}

// By card, or by wallet after a hold; then it is shipped.
skald::Definition TwoWays(Script& s) {
  return Define(kOrder)
      .Step(Stock{}, Do(s, "stock"), Undoes(s, "stock"))
      .Decide(ByCard{}, [](const std::string& input) { return input == "card"; })
      .Pivot(Card{}, When(ByCard{}), Do(s, "card"))
      .Step(Hold{}, Unless(ByCard{}), Do(s, "hold"), Undoes(s, "hold"))
      .Pivot(Wallet{}, Unless(ByCard{}), Do(s, "wallet"))
      .Retriable(Ship{}, Do(s, "ship"))
      .NoEffect(Result{}, Using(Card{}, Wallet{}),
                [](const StepContext&, const std::string&, const std::string* card,
                   const std::string* wallet) {
                  return (card == nullptr ? "" : *card) + (wallet == nullptr ? "" : *wallet);
                })
      .Returns(Result{})
      .Build();
}

TEST_CASE("a decision lets one branch run and skips the other") {
  World w;
  w.Open({TwoWays(w.script)});
  auto by_card = w.Start("k1", "card");
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "card", "ship"});
  CHECK(*by_card.Await()->result() == "card-out");
  w.script.calls.clear();
  auto by_wallet = w.Start("k2", "wallet");
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "hold", "wallet", "ship"});
  CHECK(*by_wallet.Await()->result() == "wallet-out");
}

TEST_CASE("a turn in one branch undoes what ran and nothing of the other branch") {
  World w;
  w.Open({TwoWays(w.script)});
  w.script.Answers("wallet", skald::Rejected("empty"));
  auto saga = w.Start("k", "wallet");
  w.Run();
  CHECK(w.script.calls ==
        Calls{"stock", "hold", "wallet", "undo hold(hold-out)", "undo stock(stock-out)"});
  CHECK(saga.Await()->state() == SagaState::kCompensated);
}

TEST_CASE("behind the pivot of its branch nothing is rejected any more") {
  World w;
  w.Open({TwoWays(w.script)});
  w.script.Answers("ship", skald::Rejected("no address"));
  auto saga = w.Start("k", "card");
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(w.coordinator->Cancel(saga.id(), {"me", "why not"}).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
}

TEST_CASE("a decision is made once and read from the journal ever after") {
  World w;
  int asked = 0;
  const auto definition = [&](bool answer) {
    Script& s = w.script;
    return Define(kOrder)
        .Decide(ByCard{},
                [&asked, answer](const std::string&) {
                  ++asked;
                  return answer;
                })
        .Pivot(Card{}, When(ByCard{}), Do(s, "card"))
        .Pivot(Wallet{}, Unless(ByCard{}), Do(s, "wallet"))
        .NoEffect(Result{}, Do(s, "result"))
        .Returns(Result{})
        .Build();
  };
  w.Open({definition(true)});
  auto saga = w.Start();
  w.RunLoop();
  CHECK(asked == 1);
  w.Crash();
  w.Open({definition(false)});
  w.Run();
  CHECK(asked == 1);
  CHECK(w.script.calls == Calls{"card", "result"});
}

TEST_CASE("a decision that throws is a rejection before the pivot, and Stuck behind it") {
  World w;
  Script& s = w.script;
  const auto throws = [](const std::string&) -> bool { throw std::runtime_error("no idea"); };
  SECTION("before") {
    w.Open({Define(kOrder)
                .Step(Stock{}, Do(s, "stock"), Undoes(s, "stock"))
                .Decide(ByCard{}, throws)
                .NoEffect(Result{}, When(ByCard{}), Do(s, "result"))
                .Pivot(Card{}, Do(s, "card"))
                .Returns(Card{})
                .Build()});
    auto saga = w.Start();
    w.Run();
    CHECK(s.calls == Calls{"stock", "undo stock(stock-out)"});
    CHECK(saga.Await()->state() == SagaState::kCompensated);
    CHECK(saga.Await()->reason() == "exception: no idea");
  }
  SECTION("behind") {
    w.Open({Define(kOrder)
                .Pivot(Card{}, Do(s, "card"))
                .Decide(ByCard{}, throws)
                .Retriable(Ship{}, When(ByCard{}), Do(s, "ship"))
                .Returns(Card{})
                .Build()});
    auto saga = w.Start();
    w.Run();
    CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
    CHECK(saga.Await()->step() == "by-card");
    // An operator may decide.
    REQUIRE(w.coordinator->SupplyOutput(saga.id(), ByCard{}, true, {"me", "he is right"}).ok());
    w.Run();
    CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
    CHECK(s.calls == Calls{"card", "ship"});
  }
}

TEST_CASE("an inline step that is rejected keeps its inline siblings from starting") {
  World w;
  Script& s = w.script;
  w.Open({Define(kOrder)
              .Step(Stock{}, skald::After(), Do(s, "stock"), Undoes(s, "stock"), skald::Inline())
              .Step(Coupon{}, skald::After(), Do(s, "coupon"), Undoes(s, "coupon"), skald::Inline())
              .NoEffect(Result{}, Do(s, "result"))
              .Returns(Result{})
              .Build()});
  s.Answers("stock", skald::Rejected("none left"));
  auto saga = w.Start();
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  // It could have been sent before a crash: it is undone, without output.
  CHECK(s.calls == Calls{"stock", "undo coupon(?)"});
}

}  // namespace
}  // namespace skald_test
