#include "world.h"

namespace skald_test {
namespace {

using skald::SagaState;

TEST_CASE("the same key and input give the same saga while it runs and after it ended") {
  World w;
  w.Open({w.Order()});
  auto first = w.Start();
  auto second = w.Start();
  CHECK_FALSE(first.existed());
  CHECK(second.existed());
  CHECK(first.id() == second.id());
  w.Run();
  CHECK(w.Start().id() == first.id());
  CHECK(w.script.calls.size() == 4);
}

TEST_CASE("the same key with another input is refused and names the saga") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start("k", "in");
  auto other = w.coordinator->Start(kOrder, "another", {.key = "k"});
  CHECK(other.status().code() == absl::StatusCode::kAlreadyExists);
  CHECK(other.status().ToString().find(skald::ToString(saga.id())) != std::string::npos);
  w.Run();
  CHECK(w.coordinator->Start(kOrder, "another", {.key = "k"}).status().code() ==
        absl::StatusCode::kAlreadyExists);
}

TEST_CASE("a key whose saga expired gives a new incarnation that sees nothing old") {
  World w;
  w.Open({w.Order()});
  auto first = w.Start();
  w.Run();
  w.clock.Advance(absl::Hours(24 * 7));
  auto second = w.Start("k", "another input");
  w.Run();
  CHECK_FALSE(second.existed());
  CHECK(second.id().hash == first.id().hash);
  CHECK(second.id().incarnation > first.id().incarnation);
  CHECK(w.coordinator->Show(first.id()).status().code() == absl::StatusCode::kNotFound);
  CHECK(w.StateOf(second.id()) == SagaState::kCompleted);
}

TEST_CASE("an empty key is generated, and the handle names it") {
  World w;
  w.Open({w.Order()});
  auto saga = w.coordinator->Start(kOrder, "in");
  REQUIRE(saga.ok());
  CHECK(saga->key().size() == 32);
  CHECK(w.coordinator->Find(kOrder, saga->key())->id() == saga->id());
}

TEST_CASE("keys, inputs and definitions beyond their bounds are refused with what to do") {
  World w;
  w.options.payload_bytes_max = 100;
  w.Open({w.Order()});
  const auto code = [&](const std::string& key, const std::string& input) {
    return w.coordinator->Start(kOrder, input, {.key = key}).status().code();
  };
  CHECK(code(std::string(10'000, 'k'), "in") == absl::StatusCode::kInvalidArgument);
  CHECK(code("k", std::string(101, 'i')) == absl::StatusCode::kInvalidArgument);
  constexpr skald::SagaKey<"unheard-of", 1, std::string> unheard;
  CHECK(w.coordinator->Start(unheard, "in").status().code() ==
        absl::StatusCode::kFailedPrecondition);
  CHECK(w.coordinator->Find(kOrder, "nobody").status().code() == absl::StatusCode::kNotFound);
}

TEST_CASE("beyond in_flight_max new sagas are refused at once and nothing is half done") {
  World w;
  w.options.in_flight_max = 2;
  w.Open({w.Order()});
  w.Start("1");
  w.Start("2");
  CHECK(w.coordinator->Start(kOrder, "in", {.key = "3"}).status().code() ==
        absl::StatusCode::kResourceExhausted);
  w.Run();
  w.Start("3");
}

TEST_CASE("the floor that calls carry is the lowest incarnation still live") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("a", skald::RetryLater("busy", absl::Hours(1)));
  auto slow = w.Start("slow");
  w.Run();
  w.Start("quick");
  w.Run();
  CHECK(w.script.floors.back() == slow.id().incarnation);
  w.PassUntilQuiet();
  auto last = w.Start("last");
  w.Run();
  CHECK(w.script.floors.back() == last.id().incarnation);
}

TEST_CASE("finished sagas leave memory for the store and are still found there") {
  World w;
  w.options.finished_in_memory_max = 8;
  w.Open({w.Order()});
  std::vector<skald::SagaId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(w.Start("key" + std::to_string(i)).id());
    w.Run();
  }
  const size_t calls = w.script.calls.size();
  for (int i = 0; i < 100; ++i) {
    auto again = w.Start("key" + std::to_string(i));
    CHECK(again.existed());
    CHECK(again.id() == ids[static_cast<size_t>(i)]);
    CHECK(w.StateOf(again.id()) == SagaState::kCompleted);
    CHECK(w.coordinator->Find(kOrder, "key" + std::to_string(i)).ok());
  }
  CHECK(w.script.calls.size() == calls);
  w.Crash();
  w.Open({w.Order()});
  for (int i = 0; i < 100; ++i) CHECK(w.Start("key" + std::to_string(i)).existed());
  auto all = w.coordinator->List({.finished = true});
  REQUIRE(all.ok());
  CHECK(all->size() == 100);
}

TEST_CASE("a saga whose handles were all let go is found again while it runs, and awaited") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("a", skald::RetryLater("busy", absl::Seconds(2)));
  const skald::SagaId id = w.Start("k").id();
  w.Run();
  REQUIRE(w.StateOf(id) == SagaState::kRunning);
  auto found = w.coordinator->Find(kOrder, "k");
  REQUIRE(found.ok());
  CHECK(found->id() == id);
  auto again = w.Start("k");
  CHECK(again.id() == id);
  w.Pass(absl::Minutes(1));
  for (auto* handle : {&*found, &again}) {
    auto outcome = handle->Await(absl::ZeroDuration());
    REQUIRE(outcome.ok());
    CHECK(outcome->completed());
  }
}

TEST_CASE("the journal of finished sagas is dropped and an old live saga is carried forward") {
  World w;
  w.options.finished_in_memory_max = 8;
  w.options.journal_bytes_max = 16 * 1024;
  w.options.asleep_after = absl::InfiniteDuration();  // it stays
  w.Open({w.Order()});
  w.script.Answers("a", skald::RetryLater("busy", absl::Hours(24)));
  const skald::SagaId old = w.Start("old", std::string(100, 'o')).id();
  w.Run();
  for (int i = 0; i < 300; ++i) {
    w.Start("key" + std::to_string(i), std::string(200, 'i'));
    w.Run();
  }
  size_t bytes = 0;
  auto cursor = w.store->Scan(skald::Space::kLog, {});
  REQUIRE(cursor.ok());
  for (; (*cursor)->Valid(); (*cursor)->Next()) bytes += (*cursor)->value().size();
  CHECK(bytes < 3 * 16 * 1024);
  CHECK(w.coordinator->stats().journal_bytes > 100'000);
  w.Crash();
  w.Open({w.Order()});
  CHECK(w.coordinator->stats().resumed == 1);
  w.Pass(absl::Hours(24));
  CHECK(w.StateOf(old) == SagaState::kCompleted);
}

}  // namespace
}  // namespace skald_test
