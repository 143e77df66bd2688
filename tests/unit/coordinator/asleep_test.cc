// Sagas that leave memory while they only wait, and what brings them back.
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;

struct Nap : skald::StepKey<"nap"> {};
struct Paid : skald::SignalKey<"paid", std::string> {};
struct Check : skald::StepKey<"check", std::string> {};

struct Sleepy : World {
  Sleepy() { options.asleep_after = absl::Seconds(5); }

  skald::Definition Paying(absl::Duration timeout = absl::Hours(1)) {
    Script& s = script;
    return Define(kOrder)
        .Step(
            StepA{}, [&s](const StepContext& c, const std::string&) { return s.Act("a", c); },
            [&s](const StepContext& c, const std::string&, const std::string* o) {
              return s.Compensate("a", c, o);
            })
        .AwaitSignal(Paid{}, timeout)
        .NoEffect(Check{}, skald::Using(StepA{}, Paid{}),
                  [&s](const StepContext& c, const std::string&, const std::string& a,
                       const std::optional<std::string>& paid) {
                    s.Note("check " + a + " " + paid.value_or("nothing"), c);
                    return std::string("checked");
                  })
        .Returns(Check{})
        .Build();
  }
  // Behind the coordinator's back.
  void Overwrite(const std::string& key, const std::string& value) {
    auto acquired = store->Acquire("damager");
    REQUIRE(acquired.ok());
    skald::Batch batch;
    batch.number = acquired->last_number + 1;
    batch.units.emplace_back().Put(skald::Space::kRows, key, value);
    REQUIRE(store->Commit(acquired->fence, batch).ok());
  }
  uint64_t asleep() { return coordinator->stats().asleep; }
  uint64_t in_memory() { return coordinator->stats().in_flight; }
};

TEST_CASE("a saga that waits for long leaves memory, and its timer brings it back") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  CHECK(w.asleep() == 1);
  CHECK(w.in_memory() == 0);
  w.Pass(absl::Minutes(59));
  CHECK(w.asleep() == 1);
  w.Pass(absl::Minutes(1));
  CHECK(w.asleep() == 0);
  CHECK(w.script.calls == Calls{"a", "check a-out nothing"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a short wait is not worth leaving memory for") {
  Sleepy w;
  w.Open({w.Paying(absl::Seconds(4))});
  w.Start();
  w.Run();
  CHECK(w.asleep() == 0);
  CHECK(w.in_memory() == 1);
}

TEST_CASE("a signal, a Cancel, a Show and a duplicate Start find a saga asleep") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.asleep() == 1);
  SECTION("a signal") {
    CHECK(w.coordinator->Signal(saga.id(), Paid{}, "10", "d").ok());
    w.Run();
    CHECK(w.script.calls == Calls{"a", "check a-out 10"});
    CHECK(saga.Await()->state() == SagaState::kCompleted);
  }
  SECTION("a Cancel") {
    CHECK(w.coordinator->Cancel(saga.id(), {"me", "no"}).ok());
    w.Run();
    CHECK(w.script.calls == Calls{"a", "undo a(a-out)"});
    CHECK(saga.Await()->state() == SagaState::kCompensated);
  }
  SECTION("a Show, after which it sleeps again") {
    CHECK(w.coordinator->Show(saga.id())->info.state == SagaState::kRunning);
    CHECK(w.asleep() == 0);
    w.Pass(absl::Seconds(5));
    CHECK(w.asleep() == 1);
    CHECK(w.coordinator->List()->size() == 1);
    CHECK(w.asleep() == 1);
  }
  SECTION("a duplicate Start, and one with another input") {
    auto again = w.coordinator->Start(kOrder, "in", {.key = "k"});
    REQUIRE(again.ok());
    CHECK(again->existed());
    CHECK(again->id() == saga.id());
    w.Pass(absl::Seconds(5));
    REQUIRE(w.asleep() == 1);
    CHECK(absl::IsAlreadyExists(w.coordinator->Start(kOrder, "another", {.key = "k"}).status()));
  }
  SECTION("its deadline") {
    auto other = w.Start("k2", "in", absl::Minutes(10));
    w.Run();
    CHECK(w.asleep() == 2);
    w.Pass(absl::Minutes(10));
    CHECK(other.Await()->reason() == "the saga's deadline passed");
    CHECK(w.asleep() == 1);
  }
}

TEST_CASE("a saga asleep is there after a crash, without being read") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  w.Crash();
  w.Open({w.Paying()});
  w.Run();
  CHECK(w.coordinator->stats().resumed == 0);
  CHECK(w.asleep() == 1);
  w.Pass(absl::Hours(1));
  CHECK(w.script.calls == Calls{"a", "check a-out nothing"});
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("whoever waits for a saga asleep is told when it has ended") {
  Sleepy w;
  w.Open({w.Paying()});
  std::string told;
  {
    auto saga = w.Start();
    saga.AwaitThen([&](const absl::StatusOr<skald::Outcome<std::string>>& outcome) {
      told = outcome.ok() ? *outcome->result() : "?";
    });
  }  // the handle is gone; the question stays
  w.Run();
  REQUIRE(w.asleep() == 1);
  w.Pass(absl::Hours(1));
  CHECK(told == "checked");
}

TEST_CASE("a saga asleep keeps the floor down, and others do not pile up behind it") {
  Sleepy w;
  w.Open({w.Paying()});
  auto sleeper = w.Start("sleeper");
  w.Run();
  REQUIRE(w.asleep() == 1);
  for (int i = 0; i < 10; ++i) {
    auto other = w.Start("other" + std::to_string(i));
    w.Run();
    REQUIRE(w.coordinator->Cancel(other.id(), {"me", "no"}).ok());
    w.Run();
  }
  CHECK(w.script.floors.back() == sleeper.id().incarnation);
  CHECK(w.coordinator->Cancel(sleeper.id(), {"me", "no"}).ok());
  w.Run();
  auto last = w.Start("last");
  w.Run();
  CHECK(w.script.floors.back() == last.id().incarnation);
}

TEST_CASE("a saga that sleeps for ever does not keep old journal blocks") {
  Sleepy w;
  w.options.journal_bytes_max = 4096;
  w.options.finished_in_memory_max = 2;
  w.Open({w.Paying(absl::InfiniteDuration())});
  auto sleeper = w.Start("sleeper");
  w.Run();
  for (int i = 0; i < 50; ++i) {
    auto other = w.Start("other" + std::to_string(i));
    w.Run();
    REQUIRE(w.coordinator->Signal(other.id(), Paid{}, "1", "d").ok());
    w.Run();
  }
  auto cursor = w.store->Scan(skald::Space::kLog, {});
  REQUIRE(cursor.ok());
  int blocks = 0;
  for (; (*cursor)->Valid(); (*cursor)->Next()) ++blocks;
  CHECK(blocks < 40);
  w.Crash();
  w.Open({w.Paying(absl::InfiniteDuration())});
  CHECK(w.coordinator->Signal(sleeper.id(), Paid{}, "1", "d").ok());
  w.Run();
  CHECK(w.StateOf(sleeper.id()) == SagaState::kCompleted);
}

TEST_CASE("a saga asleep whose definition is gone is stuck when it is looked at") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  w.Crash();
  w.Open({});
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(absl::IsUnavailable(w.coordinator->Signal(saga.id(), Paid{}, "1", "d")));
  w.Crash();
  w.Open({w.Paying()});
  w.Run();
  CHECK(w.coordinator->Signal(saga.id(), Paid{}, "1", "d").ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a saga asleep whose definition is gone can be abandoned") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  REQUIRE(w.asleep() == 1);
  w.Crash();
  w.Open({});
  w.Run();
  REQUIRE(w.coordinator->Abandon(saga.id(), {"me", "nobody knows it any more"}).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kAbandoned);
  w.Crash();
  w.Open({w.Paying()});
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kAbandoned);
  CHECK(w.asleep() == 0);
}

TEST_CASE("two timers of one saga are damage, told before anything is changed") {
  Sleepy w;
  w.Open({w.Paying()});
  auto saga = w.Start();
  w.Run();
  w.Crash();
  // A second row beside the saga's own, at another time.
  auto rows = w.store->Scan(skald::Space::kRows, {"~t/", "~t0"});
  REQUIRE(rows.ok());
  REQUIRE((*rows)->Valid());
  std::string key((*rows)->key());
  key[3] = static_cast<char>(key[3] ^ 1);
  w.Overwrite(key, "");
  const auto opened =
      skald::Coordinator::Open(*w.store, w.executor, {w.Paying()}, w.options).status();
  CHECK(absl::IsDataLoss(opened));
  CHECK(std::string(opened.message()).find("two timers") != std::string::npos);
}

TEST_CASE("a saga asleep whose row is damaged is stuck, and the others wake") {
  Sleepy w;
  w.Open({w.Paying()});
  auto damaged = w.Start("damaged");
  auto sound = w.Start("sound");
  w.Run();
  REQUIRE(w.asleep() == 2);
  auto rows = w.store->Scan(skald::Space::kRows, {"~a/", "~a0"});
  REQUIRE(rows.ok());
  std::string key;
  for (; (*rows)->Valid(); (*rows)->Next()) {
    if ((*rows)->value().find("damaged") != std::string_view::npos) key = (*rows)->key();
  }
  REQUIRE(!key.empty());
  w.Overwrite(key, "?");
  w.Pass(absl::Hours(1));
  CHECK(sound.Await()->state() == SagaState::kCompleted);
  CHECK(w.StateOf(damaged.id()) == SagaState::kStuck);
  CHECK(w.asleep() == 0);
  CHECK(damaged.Await()->reason().find("cannot be read") != std::string::npos);
}

TEST_CASE("many large sagas that fall asleep at once do not overfill a batch") {
  Sleepy w;
  w.Open({w.Paying()});
  const std::string input(400'000, 'x');
  for (int i = 0; i < 60; ++i) {
    w.coordinator->StartThen(kOrder, input, {.key = "k" + std::to_string(i)},
                             [](const auto& saga) { REQUIRE(saga.ok()); });
  }
  // All verdicts come at once, so that all fall asleep in one round.
  w.RunLoop();
  w.executor.RunUntilIdle();
  w.Run();
  CHECK(w.coordinator->health().ok());
  CHECK(w.asleep() == 60);
  w.Pass(absl::Hours(1));
  CHECK(w.coordinator->health().ok());
  CHECK(w.coordinator->stats().completed == 60);
}

TEST_CASE("rows of others in the store are none of the coordinator's business") {
  Sleepy w;
  w.Overwrite("total", "1");
  w.Overwrite("stock/123", "7");  // as long as the key of a finished saga's row
  w.Overwrite("account", "3");
  w.Open({w.Paying()});
  w.Start();
  w.Run();
  w.Pass(absl::Hours(1));
  auto all = w.coordinator->List({.finished = true});
  REQUIRE(all.ok());
  CHECK(all->size() == 1);
  w.Crash();
  w.Open({w.Paying()});
  CHECK(w.coordinator->List({.finished = true})->size() == 1);
}

TEST_CASE("a time that no row can hold exactly keeps its timer when the saga sleeps again") {
  const auto wait = GENERATE(absl::Hours(1) + absl::Nanoseconds(500), absl::Hours(24) / 7);
  Sleepy w;
  w.Open({w.Paying(wait)});
  const auto saga = w.Start();
  w.Run();
  REQUIRE(w.asleep() == 1);
  CHECK(w.coordinator->Show(saga.id()).ok());  // comes back, and sleeps again
  w.Pass(absl::Seconds(5));
  REQUIRE(w.asleep() == 1);
  SECTION("it wakes in its time") {
    w.Pass(absl::Hours(2));
    w.Pass(absl::Hours(2));
    CHECK(w.asleep() == 0);
    CHECK(w.script.calls.size() == 2);
  }
  SECTION("it is there after a restart") {
    w.Crash();
    w.Open({w.Paying(wait)});
    w.Run();
    const auto again = w.Start();
    w.Run();
    CHECK(again.existed());
    CHECK(again.id() == saga.id());
    CHECK(w.script.calls.size() == 1);
  }
}

TEST_CASE("a wait beyond all times is one without an end") {
  Sleepy w;
  w.Open({w.Paying(absl::Hours(24) * 365 * 400'000)});
  const auto saga = w.Start();
  w.Run();
  REQUIRE(w.asleep() == 1);
  CHECK(w.coordinator->Show(saga.id()).ok());
  w.Pass(absl::Seconds(5));
  REQUIRE(w.asleep() == 1);
  w.Crash();
  w.Open({w.Paying(absl::Hours(24) * 365 * 400'000)});
  w.Run();
  CHECK(w.Start().existed());
}

TEST_CASE("the journal gets shorter also where all sagas fall asleep and none ends") {
  constexpr int kSagas = 20'000;
  Sleepy w;
  w.options.journal_bytes_max = size_t{2} << 20;
  w.Open({w.Paying()});
  const std::string input(400, 'i');
  for (int i = 0; i < kSagas; ++i) {
    w.coordinator->StartThen(kOrder, input, {.key = "k" + std::to_string(i)}, [](const auto&) {});
    if (i % 512 == 0) w.Run();
  }
  w.Run();
  CHECK(w.asleep() == kSagas);
  auto blocks = w.store->Scan(skald::Space::kLog, skald::KeyRange{});
  REQUIRE(blocks.ok());
  size_t bytes = 0;
  for (; (*blocks)->Valid(); (*blocks)->Next()) bytes += (*blocks)->value().size();
  CHECK(bytes < kSagas * input.size() / 2);
  // What was dropped nobody needed.
  blocks->reset();
  w.Crash();
  w.Open({w.Paying()});
  w.Run();
  CHECK(w.asleep() == kSagas);
  CHECK(w.Start("k0", input).existed());
  auto last = w.Start("k19999", input);
  CHECK(last.existed());
  CHECK(w.coordinator->Signal(last.id(), Paid{}, "10", "once").ok());
  w.Run();
  CHECK(last.Await()->state() == SagaState::kCompleted);
}

}  // namespace
}  // namespace skald_test
