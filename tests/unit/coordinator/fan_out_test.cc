// ForEach: one step for each of many items.
#include <algorithm>
#include <set>

#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::ForEach;
using skald::SagaState;
using skald::StepContext;
using skald::Using;

struct Line : skald::StepKey<"line", std::string> {};
struct Charge : skald::StepKey<"charge", std::string> {};
struct Pack : skald::StepKey<"pack", std::string> {};

// "a,b,c"
std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (from < text.size()) {
    const size_t to = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part + ";";
  return all;
}

struct FanOut : World {
  skald::Definition Lines(uint32_t parallelism) {
    Script& s = script;
    return Define(kOrder)
        .Step(
            Line{},
            ForEach([this](const std::string& input) { return Ranged(input); }, parallelism),
            [&s](const StepContext& c, const std::string&, const std::string& item) {
              return s.Act(item, c);
            },
            [&s](const StepContext& c, const std::string&, const std::string& item,
                 const std::string* o) { return s.Compensate(item, c, o); })
        .Pivot(
            Charge{}, Using(Line{}),
            [&s](const StepContext& c, const std::string&, const std::vector<std::string>& lines) {
              s.Note("charge " + Joined(lines), c);
              return s.Act("charge", c);
            })
        .Retriable(Pack{}, ForEach(Split, parallelism),
                   [&s](const StepContext& c, const std::string&, const std::string& item) {
                     return s.Act("pack " + item, c);
                   })
        .Returns(Charge{})
        .Build();
  }
  std::vector<std::string> Ranged(const std::string& input) {
    ++ranged;
    return Split(input);
  }
  int ranged = 0;
};

TEST_CASE("a step runs once for each item, and its outputs come in their order") {
  FanOut w;
  w.Open({w.Lines(8)});
  w.script.Answers("a", skald::RetryLater("later"));  // the first one ends last
  auto saga = w.Start("k", "a,b,c");
  w.PassUntilQuiet();
  CHECK(w.script.calls == Calls{"a", "b", "c", "a", "charge a-out;b-out;c-out;", "charge", "pack a",
                                "pack b", "pack c"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
  CHECK(w.ranged == 1);
}

TEST_CASE("each item has an effect key of its own, the same at every attempt") {
  FanOut w;
  w.Open({w.Lines(8)});
  w.script.Answers("b", skald::Unknown("lost"));
  w.Start("k", "a,b");
  w.PassUntilQuiet();
  const auto& keys = w.script.keys;
  REQUIRE(w.script.calls[1] == "b");
  REQUIRE(w.script.calls[2] == "b");
  CHECK(keys[1] == keys[2]);
  CHECK(keys[0] != keys[1]);
  CHECK(keys[0].index == 0);
  CHECK(keys[1].index == 1);
}

TEST_CASE("no items: the step is Done at once with no outputs") {
  FanOut w;
  w.Open({w.Lines(8)});
  auto saga = w.Start("k", "");
  w.Run();
  CHECK(w.script.calls == Calls{"charge ", "charge"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("no more items are under way than the parallelism allows") {
  FanOut w;
  w.Open({w.Lines(2)});
  w.Start("k", "a,b,c,d");
  w.RunLoop();
  CHECK(w.executor.pending() == 2);
  REQUIRE(w.executor.RunOne());
  w.RunLoop();
  CHECK(w.executor.pending() == 2);
  w.Run();
  CHECK(w.script.calls[3] == "d");
}

TEST_CASE("a rejected item undoes those that ran and leaves alone those whose turn never came") {
  FanOut w;
  w.Open({w.Lines(2)});
  w.script.Answers("b", skald::Rejected("none left"));
  auto saga = w.Start("k", "a,b,c,d,e");
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(saga.Await()->step() == "line");
  const std::set<std::string> calls(w.script.calls.begin(), w.script.calls.end());
  CHECK(calls.contains("undo a(a-out)"));
  CHECK(!calls.contains("undo b(?)"));
  CHECK(!calls.contains("e"));
  CHECK(!calls.contains("undo e(?)"));
  CHECK(!calls.contains("charge"));
}

TEST_CASE("items are journaled before the first runs, and read from there after a restart") {
  FanOut w;
  w.Open({w.Lines(2)});
  w.Start("k", "a,b,c");
  w.RunLoop();
  REQUIRE(w.executor.RunOne());  // a
  w.RunLoop();
  w.Crash();
  w.Open({w.Lines(2)});
  w.Run();
  CHECK(w.ranged == 1);
  CHECK(w.script.calls[0] == "a");
  CHECK(std::count(w.script.calls.begin(), w.script.calls.end(), "a") == 1);
  CHECK(w.script.calls[1] == "b");
  CHECK(w.script.repeated[1]);
  CHECK(w.script.calls[2] == "c");
}

TEST_CASE("the compensation of an item is given the item, its output and its action's key") {
  FanOut w;
  w.Open({w.Lines(8)});
  w.script.Answers("charge", skald::Rejected("no money"));
  w.Start("k", "a,b");
  w.Run();
  const auto undone = std::find(w.script.calls.begin(), w.script.calls.end(), "undo b(b-out)");
  REQUIRE(undone != w.script.calls.end());
  skald::EffectKey action = w.script.keys[static_cast<size_t>(undone - w.script.calls.begin())];
  action.direction = skald::Direction::kAction;
  CHECK(action == w.script.keys[1]);
}

TEST_CASE("an item behind the pivot that is rejected blocks, and its output can be supplied") {
  FanOut w;
  w.Open({w.Lines(8)});
  w.script.Answers("pack b", skald::Rejected("broken"));
  auto saga = w.Start("k", "a,b,c");
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kStuck);
  CHECK(absl::IsFailedPrecondition(
      w.coordinator->SupplyOutput(saga.id(), Pack{}, "by hand", {"me", "done"}, 0)));
  REQUIRE(w.coordinator->SupplyOutput(saga.id(), Pack{}, "by hand", {"me", "done"}, 1).ok());
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kCompleted);
}

TEST_CASE("a late verdict counts although a Retry has put its item back in the queue") {
  World w;
  Script& s = w.script;
  w.Open({Define(kOrder)
              .Pivot(Charge{},
                     [&s](const StepContext& c, const std::string&) { return s.Act("charge", c); })
              .Retriable(
                  Pack{}, ForEach(Split, 1),
                  [&s](const StepContext& c, const std::string&, const std::string& item) {
                    return s.Act(item, c);
                  },
                  skald::Timeout(absl::Seconds(1)), skald::Guarded(),
                  skald::Retry({.attempts_max = 1}))
              .Returns(Charge{})
              .Build()});
  auto saga = w.Start("k", "a,b");
  while (w.script.calls != Calls{"charge"}) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();  // a is sent; its answer comes late
  w.clock.Advance(absl::Seconds(2));
  w.RunLoop();  // a has given up, b is sent
  w.coordinator->RetryThen(saga.id(), {"me", "again"}, [](const absl::Status&) {});
  w.RunLoop();
  CHECK(w.executor.RunOne());  // the late one
  w.RunLoop();
  w.Run();
  CHECK(w.script.calls == Calls{"charge", "a", "b"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

// Behind the pivot: items that give up make room for others, and a Retry brings them back.
skald::Definition Packing(World& w, uint32_t parallelism, skald::RetryPolicy policy) {
  Script& s = w.script;
  return Define(kOrder)
      .Pivot(Charge{},
             [&s](const StepContext& c, const std::string&) { return s.Act("charge", c); })
      .Retriable(
          Pack{}, ForEach(Split, parallelism),
          [&s](const StepContext& c, const std::string&, const std::string& item) {
            return s.Act(item, c);
          },
          skald::Retry(policy))
      .Returns(Charge{})
      .Build();
}

TEST_CASE("an item that begins when another gives up counts its age from then") {
  World w;
  const skald::RetryPolicy policy{.attempts_max = 0, .age_max = absl::Minutes(1)};
  w.Open({Packing(w, 1, policy)});
  w.script.Answers("a", skald::Rejected("broken"));
  w.script.Answers("b", skald::RetryLater("full"));
  auto saga = w.Start("k", "a,b");
  w.Run();
  w.Pass(absl::Seconds(5));
  CHECK(w.script.calls == Calls{"charge", "a", "b", "b"});
  CHECK(saga.Await()->step() == "pack");
}

TEST_CASE("an item that runs is not cut off by a Retry of one before it, which waits for room") {
  World w;
  w.Open({Packing(w, 1, skald::RetryPolicy::Forever())});
  w.script.Answers("a", skald::Rejected("broken"));
  auto saga = w.Start("k", "a,b,c");
  while (w.script.calls != Calls{"charge", "a"}) {
    if (!w.coordinator->PollOnce()) w.executor.RunOne();
  }
  w.RunLoop();  // b is sent, and has not run yet
  std::optional<absl::Status> retried;
  w.coordinator->RetryThen(saga.id(), {"me", "mended"},
                           [&](const absl::Status& status) { retried = status; });
  w.Run();
  CHECK(retried->ok());
  CHECK(w.script.calls == Calls{"charge", "a", "b", "a", "c"});
  CHECK(saga.Await()->state() == SagaState::kCompleted);
}

TEST_CASE("a range that throws, or gives too many, turns the saga before the pivot") {
  FanOut w;
  const bool throws = GENERATE(true, false);
  w.Open({Define(kOrder)
              .Step(
                  StepA{},
                  [&w](const StepContext& c, const std::string&) { return w.script.Act("a", c); },
                  [&w](const StepContext& c, const std::string&, const std::string* o) {
                    return w.script.Compensate("a", c, o);
                  })
              .NoEffect(Line{}, ForEach([throws](const std::string&) {
                          if (throws) throw std::runtime_error("no lines");
                          return std::vector<std::string>(skald::kFanOutMax + 1);
                        }),
                        [](const StepContext&, const std::string&, const std::string& item) {
                          return item;
                        })
              .Pivot(Charge{}, [&w](const StepContext& c,
                                    const std::string&) { return w.script.Act("charge", c); })
              .Returns(Charge{})
              .Build()});
  auto saga = w.Start();
  w.Run();
  CHECK(saga.Await()->state() == SagaState::kCompensated);
  CHECK(w.script.calls == Calls{"a", "undo a(a-out)"});
  const std::string expected =
      throws ? "exception: no lines" : "the range gives 10001 items; 10000 are allowed";
  CHECK(saga.Await()->reason() == expected);
}

}  // namespace
}  // namespace skald_test
