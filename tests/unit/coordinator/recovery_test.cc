#include "skald/saga/journal.h"
#include "skald/store/forwarding_store.h"
#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

const skald::Operator kAnn{.actor = "ann", .reason = "because"};

TEST_CASE("a saga goes on after a crash where its journal ends") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  const skald::SagaId id = saga.id();
  w.Crash();  // b has run, its verdict is lost
  CHECK(saga.Await(absl::ZeroDuration()).status().code() == absl::StatusCode::kUnavailable);
  w.Open({w.Order()});
  CHECK(w.coordinator->stats().resumed == 1);
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
  CHECK(w.script.calls == Calls{"a", "b", "b", "pivot", "after"});
  CHECK(w.script.keys[1] == w.script.keys[2]);
  CHECK(w.script.repeated[2]);
}

TEST_CASE("a rejection after a restart is unclean: the lost attempt may have happened") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.script.Answers("a", skald::Rejected("no"));
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "undo a(?)"});
}

TEST_CASE("a pivot that was dispatchable at a restart keeps the direction open") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start("k", "in", absl::Minutes(1)).id();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();
  w.Crash();
  w.clock.Advance(absl::Minutes(2));  // beyond the saga's deadline
  w.Open({w.Order()});
  REQUIRE(w.coordinator->Cancel(id, kAnn).ok());
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("a turn survives a crash and compensations go on") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("pivot", skald::Rejected("no"));
  for (int i = 0; i < 3; ++i) w.script.UndoAnswers("b", skald::Unknown("down"));
  const skald::SagaId id = w.Start().id();
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompensating);
  w.Crash();
  w.Open({w.Order()});
  w.PassUntilQuiet();
  CHECK(w.StateOf(id) == SagaState::kCompensated);
  CHECK(w.script.calls.back() == "undo a(a-out)");
}

TEST_CASE("a stuck saga is stuck after a restart and says why") {
  World w;
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.script.Answers("pivot", skald::Unknown("gateway gone"));
  const skald::SagaId id = w.Start().id();
  w.PassUntilQuiet();
  w.Crash();
  w.Open({w.Order(skald::Retry({.attempts_max = 1}))});
  w.Run();
  auto found = w.coordinator->Find(kOrder, "k");
  REQUIRE(found.ok());
  auto outcome = found->Await(absl::ZeroDuration());
  REQUIRE(outcome.ok());
  CHECK(outcome->state() == SagaState::kStuck);
  CHECK(outcome->reason() == "gateway gone");
  CHECK(found->id() == id);
}

TEST_CASE("a saga whose definition is missing is stuck, and goes on when it is back") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.Open({});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kStuck);
  CHECK(w.coordinator->Show(id)->info.reason.find("not registered") != std::string::npos);
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("a saga without its definition can be abandoned, and stays so after a restart") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.Open({});
  w.Run();
  REQUIRE(w.coordinator->Abandon(id, kAnn).ok());
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kAbandoned);
  w.Crash();
  w.Open({});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kAbandoned);
}

TEST_CASE("a finished saga is known after a restart, and its key gives it again") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.Run();
  w.Crash();
  w.Open({w.Order()});
  auto again = w.Start();
  CHECK(again.existed());
  CHECK(again.id() == id);
  CHECK(*again.Await(absl::ZeroDuration())->result() == "pivot-out");
  CHECK(w.script.calls.size() == 4);
}

TEST_CASE("a wall clock that leapt is refused until an option accepts it, and nothing is written") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  w.Crash();
  w.clock.SetWall(w.clock.Wall() + absl::Hours(24 * 8));
  auto refused = skald::Coordinator::Open(*w.store, w.executor, {w.Order()}, w.options);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  w.options.accept_time_leap = true;
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("engine time never goes back, whatever the wall clock does between two opens") {
  World w;
  w.Open({w.Order()});
  w.clock.Advance(absl::Hours(5));
  const skald::SagaId first = w.Start("1").id();
  w.Run();
  const absl::Time before = w.coordinator->Show(first)->info.updated;
  w.Crash();
  w.clock.SetWall(w.clock.Wall() - absl::Hours(3));
  w.Open({w.Order()});
  const skald::SagaId second = w.Start("2").id();
  w.Run();
  CHECK(w.coordinator->Show(second)->info.started >= before);
}

// Sagas "0", "1" and so on, all at their first step when the process dies.
std::vector<skald::SagaId> CrashWithMany(World& w, int count) {
  w.Open({w.Order()});
  std::vector<skald::SagaId> ids;
  for (int i = 0; i < count; ++i) ids.push_back(w.Start(std::to_string(i)).id());
  w.RunLoop();
  w.Crash();
  return ids;
}

TEST_CASE("after an open sagas go on oldest first, and the one that is asked for at once") {
  World w;
  const std::vector<skald::SagaId> ids = CrashWithMany(w, 1'000);
  w.Open({w.Order()});
  CHECK(w.executor.pending() == 0);
  CHECK(w.coordinator->stats().resumed == 1'000);
  CHECK(w.coordinator->stats().in_flight == 1'000);
  const auto details = w.coordinator->Show(ids.back());
  REQUIRE(details.ok());
  CHECK(details->info.state == SagaState::kRunning);
  // One round of the loop, and what it had time for besides.
  CHECK(w.executor.pending() > 1);
  CHECK(w.executor.pending() < 1'000);
  REQUIRE(w.executor.RunOne());
  REQUIRE(w.executor.RunOne());
  CHECK(w.script.keys[0].saga == ids.back());
  CHECK(w.script.keys[1].saga == ids.front());
  w.Run();
  CHECK(w.coordinator->stats().completed == 1'000);
  CHECK(w.coordinator->stats().in_flight == 0);
  CHECK(w.script.calls.size() == 4'000);
}

TEST_CASE("a key that is asked for right after an open is the saga's that has it") {
  World w;
  const std::vector<skald::SagaId> ids = CrashWithMany(w, 1'000);
  w.Open({w.Order()});
  SECTION("by a start") {
    const auto again = w.Start("999");
    CHECK(again.existed());
    CHECK(again.id() == ids[999]);
  }
  SECTION("by a question") {
    const auto found = w.coordinator->Find(kOrder, "999");
    REQUIRE(found.ok());
    CHECK(found->id() == ids[999]);
  }
  SECTION("by a verb") {
    REQUIRE(w.coordinator->Cancel(ids[999], kAnn).ok());
    w.Run();
    CHECK(w.StateOf(ids[999]) == SagaState::kCompensated);
    CHECK(w.coordinator->stats().completed == 999);
  }
  SECTION("by a list of all") {
    CHECK(w.coordinator->List({.limit = 2'000})->size() == 1'000);
  }
  CHECK(w.coordinator->stats().resumed == 1'000);
}

TEST_CASE(
    "a coordinator that is shut down before it has gone on with all leaves them as they are") {
  World w;
  const std::vector<skald::SagaId> ids = CrashWithMany(w, 1'000);
  w.Open({w.Order()});
  w.coordinator->PollOnce();
  CHECK(w.executor.pending() < 1'000);
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.coordinator->stats().completed == 1'000);
}

// Its journal cannot be read again for a while, though it could be scanned.
class ForgetfulLog final : public skald::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::optional<skald::Row>> Get(skald::Space space, std::string_view key) override {
    if (broken && space == skald::Space::kLog) return absl::UnavailableError("no disk");
    return target().Get(space, key);
  }
  bool broken = true;
};

TEST_CASE("a journal that cannot be read again is told, and tried again until it can") {
  World w;
  const std::vector<skald::SagaId> ids = CrashWithMany(w, 1'000);
  ForgetfulLog store(*w.store);
  auto opened = skald::Coordinator::Open(store, w.executor, {w.Order()}, w.options);
  REQUIRE(opened.ok());
  w.coordinator = *std::move(opened);
  const auto asked = w.coordinator->Show(ids[500]);
  CHECK(asked.status().code() == absl::StatusCode::kUnavailable);
  CHECK(asked.status().message().find("no disk") != std::string::npos);
  CHECK_FALSE(w.coordinator->Start(kOrder, "in", {.key = "500"}).ok());
  // A list of some would look like one of all.
  CHECK(w.coordinator->List().status().code() == absl::StatusCode::kUnavailable);
  w.Run();
  CHECK(w.executor.pending() == 0);
  CHECK(w.seen.kinds == std::vector<std::string>{"sagas-not-resumed"});
  CHECK(w.coordinator->NextTimer() <= w.clock.Wall() + absl::Seconds(1));
  store.broken = false;
  CHECK(w.Start("500").id() == ids[500]);
  w.Pass(absl::Seconds(1));
  CHECK(w.coordinator->stats().completed == 1'000);
  CHECK(w.script.calls.size() == 4'000);
  w.coordinator.reset();
}

TEST_CASE("no block is dropped that holds sagas which an open has found and not yet gone on with") {
  World w;
  CrashWithMany(w, 1'000);
  ForgetfulLog store(*w.store);
  w.options.finished_in_memory_max = 2;  // rows of ended sagas go out, and their blocks, at once
  auto opened = skald::Coordinator::Open(store, w.executor, {w.Order()}, w.options);
  REQUIRE(opened.ok());
  w.coordinator = *std::move(opened);
  // Others come and end while those cannot be read; the process dies before they can.
  for (int i = 0; i < 50; ++i) {
    w.Start("new " + std::to_string(i));
    w.Run();
  }
  REQUIRE(w.coordinator->stats().completed == 50);
  w.Crash();
  w.Open({w.Order()});
  CHECK(w.coordinator->stats().resumed == 1'000);
  w.Run();
  CHECK(w.coordinator->stats().completed == 1'000);
  CHECK(w.script.calls.size() == 4'200);
}

// What an open finds of sagas whose events stand in several blocks, between those of others.
TEST_CASE("a journal in many pieces comes together, in its turn and when it is asked for") {
  World w;
  w.options.journal_bytes_max = size_t{1} << 30;  // none is carried forward
  w.Open({w.Order()});
  std::vector<skald::SagaId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(w.Start(std::to_string(i)).id());
  // Each is taken a different number of steps ahead, one block a verdict.
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40 - 10 * round; ++i) {
      w.RunLoop();
      REQUIRE(w.executor.RunOne());
    }
  }
  w.RunLoop();
  const size_t calls = w.script.calls.size();
  w.Crash();
  w.Open({w.Order()});
  const size_t asked = GENERATE(0, 7, 15, 39);
  const auto details = w.coordinator->Show(ids[asked]);
  REQUIRE(details.ok());
  CHECK(details->timeline.size() > 1);
  w.Run();
  CHECK(w.coordinator->stats().completed == 40);
  CHECK(w.script.calls.size() == calls + 4 * 40 - 90);
}

TEST_CASE("no floor is above a saga that an open has found and not yet gone on with") {
  World w;
  const std::vector<skald::SagaId> ids = CrashWithMany(w, 1'000);
  w.Open({w.Order()});
  REQUIRE(w.Start("new").id().incarnation > ids.back().incarnation);
  w.Run();
  REQUIRE(w.script.floors.size() == 4'004);
  for (size_t i = 0; i < w.script.floors.size(); ++i) {
    CAPTURE(i);
    REQUIRE(w.script.floors[i] <= w.script.keys[i].saga.incarnation);
  }
  const skald::SagaId later = w.Start("later").id();
  w.Run();
  CHECK(w.script.floors.back() == later.incarnation);
}

TEST_CASE("two sagas with one incarnation are damage: the open names both") {
  World w;
  skald::Event start;
  start.definition = "order";
  start.key = "k";
  std::string events;
  skald::AppendEvent(start, &events);
  skald::BlockBuilder block;
  const skald::SagaId one{1, skald::Incarnation{7}};
  const skald::SagaId other{2, skald::Incarnation{7}};
  block.Add(one, false, events);
  block.Add(other, false, events);
  const auto lease = w.store->Acquire("somebody");
  REQUIRE(lease.ok());
  skald::Batch batch{.number = lease->last_number + 1, .ticket = lease->last_ticket + 1};
  batch.units.emplace_back().Put(skald::Space::kLog, skald::BlockKey(1), block.Seal({}));
  REQUIRE(w.store->Commit(lease->fence, batch).ok());
  const auto refused = skald::Coordinator::Open(*w.store, w.executor, {w.Order()}, w.options);
  CHECK(refused.status().code() == absl::StatusCode::kDataLoss);
  INFO(refused.status().ToString());
  CHECK(refused.status().message().find(ToString(one)) != std::string::npos);
  CHECK(refused.status().message().find(ToString(other)) != std::string::npos);
}

TEST_CASE("an older coordinator on the same store is shut out") {
  World w;
  w.Open({w.Order()});
  skald::ManualExecutor other_executor;
  auto other = skald::Coordinator::Open(*w.store, other_executor, {w.Order()}, w.options);
  REQUIRE(other.ok());
  auto late = w.coordinator->Start(kOrder, "in", {.key = "k"});
  CHECK(late.status().code() == absl::StatusCode::kUnavailable);
  CHECK_FALSE(w.coordinator->health().ok());
  CHECK((*other)->Start(kOrder, "in", {.key = "k"}).ok());
}

}  // namespace
}  // namespace skald_test
