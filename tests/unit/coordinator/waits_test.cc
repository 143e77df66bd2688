// Sleeps and awaited signals.
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;
using skald::Using;

struct Stock : skald::StepKey<"stock", std::string> {};
struct CoolDown : skald::StepKey<"cool-down"> {};
struct Paid : skald::SignalKey<"paid", std::string> {};
struct PaidInPence : skald::SignalKey<"paid", int64_t> {};
struct Signed : skald::SignalKey<"signed", std::string> {};
struct Wants : skald::StepKey<"wants", bool> {};
struct Check : skald::StepKey<"check", std::string> {};
struct Ship : skald::StepKey<"ship", std::string> {};

constexpr auto kHalfHour = absl::Minutes(30);

struct Waits : World {
  // stock, then a payment within half an hour, then the pivot, then a signature.
  skald::Definition Payment() {
    Script& s = script;
    return Define(kOrder)
        .Step(
            Stock{}, [&s](const StepContext& c, const std::string&) { return s.Act("stock", c); },
            [&s](const StepContext& c, const std::string&, const std::string* o) {
              return s.Compensate("stock", c, o);
            })
        .AwaitSignal(
            Paid{}, kHalfHour,
            [&s](const StepContext& c, const std::string&, const std::optional<std::string>* paid) {
              const std::string amount = paid == nullptr     ? "?"
                                         : paid->has_value() ? **paid
                                                             : "none";
              s.Note("refund " + amount, c);
              return Undo(skald::Nothing{});
            })
        .NoEffect(
            Check{}, Using(Paid{}),
            [](const StepContext&, const std::string&,
               const std::optional<std::string>& paid) -> Answer {
              if (!paid) return skald::Rejected("not paid in time");
              return *paid;
            },
            skald::Inline())
        .Pivot(Ship{}, Using(Check{}),
               [&s](const StepContext& c, const std::string&, const std::string& paid) {
                 return s.Act("ship for " + paid, c);
               })
        .AwaitSignal(Signed{}, absl::InfiniteDuration())
        .Returns(Ship{})
        .Build();
  }
  absl::Status Pay(skald::SagaId id, const std::string& amount = "10", std::string dedup = "d1") {
    return coordinator->Signal(id, Paid{}, amount, std::move(dedup));
  }
};

TEST_CASE("a saga waits for its signal and is given the payload") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  w.Pass(absl::Minutes(29));
  CHECK(w.script.calls == Calls{"stock"});
  CHECK(w.Pay(saga.id()).ok());
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "ship for 10"});
  CHECK(w.coordinator->Signal(saga.id(), Signed{}, "me", "s").ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a saga that waits says what for, also while it is asleep") {
  for (const absl::Duration asleep_after : {absl::Seconds(5), absl::InfiniteDuration()}) {
    Waits w;
    w.options.asleep_after = asleep_after;
    w.Open({w.Payment()});
    auto saga = w.Start();
    w.Run();
    const absl::Time until = w.clock.Wall() + kHalfHour;
    const auto shown = w.coordinator->Show(saga.id());
    REQUIRE(shown.ok());
    CHECK(shown->info.waiting_for ==
          "signal 'paid', until " + absl::FormatTime(until, absl::UTCTimeZone()));
  }
}

TEST_CASE("without its signal the await gives nothing when its time is up, and not before") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  w.Pass(kHalfHour - absl::Microseconds(1));
  CHECK(w.StateOf(saga.id()) == SagaState::kRunning);
  w.Pass(absl::Microseconds(1));
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(saga.Await()->reason() == "not paid in time");
  CHECK(w.script.calls == Calls{"stock", "refund none", "undo stock(stock-out)"});
  // Too late, and told so: whoever took the money gives it back himself.
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id())));
}

TEST_CASE("a signal that comes before its step is reached is kept and taken there") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.RunLoop();
  CHECK(w.Pay(saga.id()).ok());
  CHECK(w.script.calls.empty());
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "ship for 10"});
}

TEST_CASE("a signal that was accepted and not yet taken at the turn is undone with its payload") {
  Waits w;
  w.Open({w.Payment()});
  w.script.Answers("stock", skald::Rejected("none left"));
  auto saga = w.Start();
  w.RunLoop();
  CHECK(w.Pay(saga.id()).ok());
  w.Run();
  CHECK(w.script.calls == Calls{"stock", "refund 10"});
  CHECK(saga.Await()->state() == SagaState::kCompensated);
}

TEST_CASE("a signal counts once by its deduplication key, also after the saga's end") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id(), "10", "d2")));
  w.Run();
  CHECK(w.coordinator->Signal(saga.id(), Signed{}, "me", "s").ok());
  w.Run();
  REQUIRE(saga.Await()->state() == SagaState::kCompleted);
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id(), "10", "d2")));
  w.Crash();
  w.Open({w.Payment()});
  w.Run();
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  CHECK(w.coordinator->Signal(saga.id(), Signed{}, "me", "s").ok());
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id(), "10", "d2")));
}

TEST_CASE("a finished saga knows its signals although its definition is gone") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  w.Run();
  CHECK(w.coordinator->Signal(saga.id(), Signed{}, "me", "s").ok());
  w.Run();
  w.Crash();
  w.Open({});  // its record is made anew, from the journal alone
  w.Run();
  CHECK(w.Pay(saga.id(), "10", "d1").ok());
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id(), "10", "d2")));
}

TEST_CASE("a signal whose await stands behind an undecided pivot is told to come again") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  CHECK(absl::IsUnavailable(w.coordinator->Signal(saga.id(), Signed{}, "me", "s")));
  CHECK(w.Pay(saga.id()).ok());
  w.Run();
  CHECK(w.coordinator->Signal(saga.id(), Signed{}, "me", "s").ok());
}

TEST_CASE("a signal of another type, of another name or over a bound is refused with the reason") {
  Waits w;
  w.options.payload_bytes_max = 100;
  w.Open({w.Payment()});
  auto saga = w.Start();
  const absl::Status other = w.coordinator->Signal(saga.id(), PaidInPence{}, 5, "d");
  CHECK(absl::IsInvalidArgument(other));
  CHECK(std::string(other.message())
            .find("it carries 'i64' version 1, and 'string' version 1 is "
                  "awaited") != std::string::npos);
  struct Unheard : skald::SignalKey<"unheard", std::string> {};
  CHECK(absl::IsInvalidArgument(w.coordinator->Signal(saga.id(), Unheard{}, "x", "d")));
  CHECK(absl::IsInvalidArgument(w.Pay(saga.id(), std::string(200, 'x'))));
  CHECK(absl::IsInvalidArgument(w.Pay(saga.id(), "10", "")));
  CHECK(absl::IsInvalidArgument(w.Pay(saga.id(), "10", std::string(10'000, 'k'))));
  skald::SagaId unknown = saga.id();
  unknown.incarnation = skald::Incarnation{9999};
  CHECK(absl::IsNotFound(w.Pay(unknown)));
  // Nothing of it has harmed the saga.
  CHECK(w.Pay(saga.id()).ok());
}

TEST_CASE("a signal to an await that a decision may skip is told to come again, then never") {
  Waits w;
  Script& s = w.script;
  w.Open({Define(kOrder)
              .Step(
                  Stock{},
                  [&s](const StepContext& c, const std::string&) { return s.Act("stock", c); },
                  [&s](const StepContext& c, const std::string&, const std::string* o) {
                    return s.Compensate("stock", c, o);
                  })
              .Decide(Wants{}, [](const std::string& input) { return input == "yes"; })
              .AwaitSignal(Paid{}, skald::When(Wants{}), kHalfHour)
              .NoEffect(Check{}, [&s](const StepContext& c,
                                      const std::string&) { return s.Act("check", c); })
              .Returns(Check{})
              .Build()});
  s.Answers("stock", skald::RetryLater("later"));
  auto saga = w.Start("k", "no");
  w.Run();
  CHECK(absl::IsUnavailable(w.Pay(saga.id())));
  s.Answers("check", skald::RetryLater("later"));
  w.Pass(absl::Seconds(1));
  REQUIRE(w.script.calls.back() == "check");
  CHECK(absl::IsFailedPrecondition(w.Pay(saga.id())));
}

TEST_CASE("a signal that was acknowledged survives a crash") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.Pay(saga.id()).ok());
  w.Crash();
  w.Open({w.Payment()});
  w.Run();
  CHECK(w.script.calls.back() == "ship for 10");
}

TEST_CASE("a Cancel ends a saga that waits at once") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.coordinator->Cancel(saga.id(), {"customer", "changed my mind"}).ok());
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  // Nothing was paid: nothing to refund.
  CHECK(w.script.calls == Calls{"stock", "undo stock(stock-out)"});
}

TEST_CASE("a sleep lasts its time by engine time, through restarts and steps of the clock") {
  Waits w;
  Script& s = w.script;
  const auto definition = [&] {
    return Define(kOrder)
        .Sleep(CoolDown{}, absl::Hours(1))
        .NoEffect(Check{},
                  [&s](const StepContext& c, const std::string&) { return s.Act("check", c); })
        .Returns(Check{})
        .Build();
  };
  w.Open({definition()});
  w.Start();
  w.Run();
  w.Pass(absl::Minutes(20));
  w.clock.SetWall(w.clock.Wall() + absl::Hours(5));  // the wall clock leaps; engine time does not
  w.Pass(absl::Minutes(30));
  CHECK(s.calls.empty());
  w.clock.SetWall(w.clock.Wall() - absl::Hours(5));
  w.Crash();
  w.Open({definition()});
  w.Pass(absl::Minutes(10) - absl::Seconds(1));
  CHECK(s.calls.empty());
  w.Pass(absl::Seconds(1));
  CHECK(s.calls == Calls{"check"});
}

TEST_CASE("when a sleep ends is worked out once") {
  Waits w;
  Script& s = w.script;
  int asked = 0;
  const auto definition = [&](absl::Duration time) {
    return Define(kOrder)
        .Sleep(CoolDown{},
               [&asked, time](const std::string&) {
                 ++asked;
                 return time;
               })
        .NoEffect(Check{},
                  [&s](const StepContext& c, const std::string&) { return s.Act("check", c); })
        .Returns(Check{})
        .Build();
  };
  w.Open({definition(absl::Hours(1))});
  w.Start();
  w.Run();
  w.Crash();
  w.Open({definition(absl::ZeroDuration())});
  w.Pass(absl::Minutes(59));
  CHECK(s.calls.empty());
  w.Pass(absl::Minutes(1));
  CHECK(s.calls == Calls{"check"});
  CHECK(asked == 1);
}

TEST_CASE("a sleep until a time that is over ends at once") {
  Waits w;
  Script& s = w.script;
  w.Open({Define(kOrder)
              .Sleep(CoolDown{}, [](const std::string&) { return absl::UnixEpoch(); })
              .NoEffect(Check{}, [&s](const StepContext& c,
                                      const std::string&) { return s.Act("check", c); })
              .Returns(Check{})
              .Build()});
  w.Start();
  w.Run();
  CHECK(s.calls == Calls{"check"});
}

TEST_CASE("the saga's deadline passes while it sleeps") {
  Waits w;
  w.Open({w.Payment()});
  auto saga = w.Start("k", "in", absl::Minutes(5));
  w.Run();
  w.Pass(absl::Minutes(5));
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(saga.Await()->reason() == "the saga's deadline passed");
}

}  // namespace
}  // namespace skald_test
