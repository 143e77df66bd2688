#include <array>
#include <optional>
#include <vector>

#include "skald/async/thread_pool.h"
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;
using skald::Using;

const skald::Operator kAnn{.actor = "ann", .reason = "because"};

TEST_CASE("an attempt beyond its deadline is waited for, and its late verdict counts") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  w.RunLoop();
  w.clock.Advance(absl::Minutes(2));
  w.RunLoop();
  CHECK(w.executor.pending() == 1);  // no second attempt
  CHECK(std::count(w.seen.kinds.begin(), w.seen.kinds.end(), "attempt-overdue") == 1);
  CHECK(w.coordinator->Show(saga.id())->info.waiting_for.find("deadline") != std::string::npos);
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  CHECK(w.script.calls == Calls{"a", "b", "pivot", "after"});
}

TEST_CASE("an operator's Retry ends the wait for an overdue attempt") {
  World w;
  w.Open({w.Order()});
  auto saga = w.Start();
  w.RunLoop();
  w.clock.Advance(absl::Minutes(2));
  w.RunLoop();
  REQUIRE(w.coordinator->Retry(saga.id(), kAnn).ok());
  w.RunLoop();
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
  CHECK(w.script.calls == Calls{"a", "a", "b", "pivot", "after"});
}

TEST_CASE("a rejection that comes after the attempt's deadline is unclean") {
  World w;
  w.Open({w.Order()});
  w.script.Answers("a", skald::Rejected("no"));
  auto saga = w.Start();
  w.RunLoop();
  w.clock.Advance(absl::Minutes(2));
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "undo a(?)"});
}

TEST_CASE("a guarded step does not wait: another attempt goes ahead") {
  World w;
  w.Open({w.Order(skald::Guarded(), skald::Timeout(absl::Seconds(1)))});
  auto saga = w.Start();
  while (w.script.calls.size() < 2) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();
  REQUIRE(w.executor.pending() == 1);
  w.clock.Advance(absl::Seconds(2));
  w.RunLoop();
  w.clock.Advance(absl::Minutes(1));
  w.RunLoop();
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a full executor is not an attempt: the work waits and runs later") {
  World w;
  w.executor.~ManualExecutor();
  new (&w.executor) skald::ManualExecutor(2);
  w.Open({w.Order()});
  for (int i = 0; i < 10; ++i) w.Start("k" + std::to_string(i));
  w.RunLoop();
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.coordinator->stats().completed == 10);
  CHECK(w.script.calls.size() == 40);
}

TEST_CASE("an executor that is shut down leaves sagas for the next open") {
  World w;
  w.Open({w.Order()});
  w.executor.Shutdown();
  const skald::SagaId id = w.Start().id();
  w.Run();
  CHECK(w.script.calls.empty());
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
}

TEST_CASE("Shutdown refuses new sagas, lets attempts end and keeps their verdicts") {
  World w;
  w.Open({w.Order()});
  const skald::SagaId id = w.Start().id();
  w.RunLoop();
  CHECK(w.coordinator->Shutdown(absl::ZeroDuration()).code() ==
        absl::StatusCode::kDeadlineExceeded);
  CHECK(w.coordinator->Start(kOrder, "in", {.key = "2"}).status().code() ==
        absl::StatusCode::kUnavailable);
  w.executor.RunUntilIdle();  // comes back to nobody
  w.Crash();
  w.Open({w.Order()});
  w.Run();
  CHECK(w.StateOf(id) == SagaState::kCompleted);
  CHECK(w.coordinator->Shutdown(absl::Seconds(1)).ok());
  CHECK(w.coordinator->Shutdown(absl::Seconds(1)).ok());
}

TEST_CASE("with threads of its own a coordinator completes what many threads start") {
  skald::MemoryStore store;
  skald::ThreadPool pool;
  World w;
  w.options.own_threads = true;
  w.options.clock = &skald::Clock::Real();
  w.options.shards = 2;
  constexpr skald::SagaKey<"count", 1, int, int> kCount;
  auto definition = skald::Define(kCount)
                        .Pivot(skald::StepKey<"one", int>{},
                               [](const skald::StepContext&, const int& n) { return n + 1; })
                        .Returns(skald::StepKey<"one", int>{})
                        .Build();
  auto coordinator = skald::Coordinator::Open(store, pool, {definition}, w.options);
  REQUIRE(coordinator.ok());
  std::vector<skald::StartRequest<int>> requests;
  for (int i = 0; i < 500; ++i) requests.push_back({i, {.key = std::to_string(i)}});
  auto handles = (*coordinator)->StartMany<decltype(kCount)>(kCount, requests);
  REQUIRE(handles.size() == 500);
  for (int i = 0; i < 500; ++i) {
    REQUIRE(handles[static_cast<size_t>(i)].ok());
    auto outcome = handles[static_cast<size_t>(i)]->Await(absl::Seconds(60));
    REQUIRE(outcome.ok());
    CHECK(*outcome->result() == i + 1);
  }
  CHECK((*coordinator)->Shutdown(absl::Seconds(30)).ok());
}

// Stands in the journal as it does in memory, and is read there.
struct Parcel {
  std::array<char, 64> label;
};
struct Weighed : skald::StepKey<"weighed", Parcel> {};
struct Holds : skald::StepKey<"holds"> {};
struct Told : skald::SignalKey<"told", std::string> {};
constexpr skald::SagaKey<"parcel", 1, Parcel> kParcel;

Parcel Labelled(char letter) {
  Parcel parcel;
  parcel.label.fill(letter);
  return parcel;
}

TEST_CASE("what a step was given stays where it is while the saga's journal grows") {
  World w;
  const skald::StepContext* context = nullptr;
  const Parcel* input = nullptr;
  const Parcel* used = nullptr;
  std::optional<skald::StepCompletion<skald::Nothing>> holds;
  w.Open({Define(kParcel)
              .NoEffect(Weighed{}, [](const StepContext&, const Parcel&) { return Labelled('w'); })
              .NoEffect(Holds{}, Using(Weighed{}),
                        [&](const StepContext& c, const Parcel& in, const Parcel& weighed,
                            skald::StepCompletion<skald::Nothing> done) {
                          context = &c;
                          input = &in;
                          used = &weighed;
                          holds = std::move(done);
                        })
              .AwaitSignal(Told{}, absl::InfiniteDuration())
              .Build()});
  auto saga = w.coordinator->Start(kParcel, Labelled('i'), {.key = "a-key-of-some-length"});
  REQUIRE(saga.ok());
  w.Run();
  REQUIRE(context != nullptr);
  CHECK(w.coordinator->Signal(saga->id(), Told{}, std::string(5000, 's'), "once").ok());
  CHECK(w.coordinator->Cancel(saga->id(), kAnn).ok());
  w.Run();
  // What would have been freed is written over.
  std::vector<std::string> others;
  for (size_t size = 64; size < 2048; size += 8) others.emplace_back(size, 'z');
  CHECK(context->key() == "a-key-of-some-length");
  CHECK(input->label == Labelled('i').label);
  CHECK(used->label == Labelled('w').label);
  (*holds)(skald::Nothing{});
  w.Run();
  CHECK(skald::IsTerminal(saga->Await()->state()));
}

// The same with numbers, which can only be read where they are aligned.
struct Crate {
  std::array<uint64_t, 3> weights;
  bool operator==(const Crate&) const = default;
};
struct Filled : skald::StepKey<"filled", Crate> {};
struct Sealed : skald::StepKey<"sealed", Crate> {};
struct Shipped : skald::StepKey<"shipped"> {};
constexpr skald::SagaKey<"crate", 1, Crate> kCrate;

Crate Times(const Crate& crate, uint64_t factor) {
  Crate product = crate;
  for (uint64_t& weight : product.weights) weight *= factor;
  return product;
}

TEST_CASE("inputs, items and outputs read the same wherever in the journal they stand") {
  World w;
  constexpr Crate kIn{{3, 1'000'003, ~uint64_t{0}}};
  std::vector<Crate> given;
  std::vector<Crate> undone;
  const auto fill = [&](const StepContext&, const Crate& in) {
    given.push_back(in);
    return Times(in, 2);
  };
  const auto seal = [&](const StepContext&, const Crate&, const Crate& item, const Crate& filled) {
    given.push_back(item);
    given.push_back(filled);
    return Times(item, 5);
  };
  w.Open({Define(kCrate)
              .Step(Filled{}, fill,
                    [&](const StepContext&, const Crate&, const Crate* own) {
                      undone.push_back(*own);
                    })
              .Step(Sealed{}, skald::ForEach([](const Crate& in, const Crate&) {
                      return std::vector<Crate>{Times(in, 7), Times(in, 11)};
                    }),
                    Using(Filled{}), seal,
                    [&](const StepContext&, const Crate&, const Crate& item, const Crate* own,
                        const Crate*) {
                      undone.push_back(item);
                      undone.push_back(*own);
                    })
              .Step(
                  Shipped{},
                  [](const StepContext&, const Crate&) -> skald::Verdict<skald::Nothing> {
                    return skald::Rejected("no lorry");
                  },
                  [](const StepContext&, const Crate&, const skald::Nothing*) {})
              .Build()});
  // The length of its key moves all that follows it.
  for (size_t length = 1; length <= 16; ++length) {
    CAPTURE(length);
    given.clear();
    undone.clear();
    auto saga = w.coordinator->Start(kCrate, kIn, {.key = std::string(length, 'k')});
    REQUIRE(saga.ok());
    w.Run();
    REQUIRE(saga->Await()->state() == SagaState::kCompensated);
    const Crate filled = Times(kIn, 2);
    CHECK(given == std::vector{kIn, Times(kIn, 7), filled, Times(kIn, 11), filled});
    CHECK(undone ==
          std::vector{Times(kIn, 11), Times(kIn, 55), Times(kIn, 7), Times(kIn, 35), filled});
  }
}

}  // namespace
}  // namespace skald_test
