#include "chaos.h"

#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace order_flow {
namespace {

// Every copy that is made is noted under its name, and answered.
class Calls {
 public:
  Chaos::Copy Make(std::string name, std::string answer = "same") {
    return [this, name = std::move(name), answer = std::move(answer)](const Chaos::Told& told) {
      {
        const skald::MutexLock lock(mutex_);
        names_.push_back(name);
      }
      told(answer);
    };
  }
  std::vector<std::string> names() {
    const skald::MutexLock lock(mutex_);
    return names_;
  }

 private:
  skald::Mutex mutex_;
  std::vector<std::string> names_ SKALD_GUARDED_BY(mutex_);
};

CallSite Site(const std::string& order, std::string_view step, CallVerb verb = CallVerb::kAct) {
  return {.participant = "payment", .order = order, .step = step, .verb = verb};
}

std::vector<Havoc> Drawn(const ChaosOptions& options, uint32_t attempt = 1) {
  const Chaos chaos(options);
  std::vector<Havoc> drawn;
  for (int i = 0; i < 2000; ++i) {
    const std::string order = std::to_string(i);
    CallSite site = Site(order, "charge");
    site.attempt = attempt;
    drawn.push_back(chaos.Draw(site));
  }
  return drawn;
}

int Count(const std::vector<Havoc>& drawn, bool Havoc::* what) {
  int count = 0;
  for (const Havoc& havoc : drawn) count += havoc.*what;
  return count;
}

TEST_CASE("Chaos hits the share of calls that it was given, and half of each kind at once") {
  const auto drawn = Drawn({.duplicates = 0.2, .reorder = 0.3, .late = 0.4});
  CHECK(std::abs(Count(drawn, &Havoc::duplicated) - 400) < 80);
  CHECK(std::abs(Count(drawn, &Havoc::held_back) - 600) < 80);
  CHECK(std::abs(Count(drawn, &Havoc::late) - 800) < 80);
  CHECK(std::abs(Count(drawn, &Havoc::at_once) - 200) < 60);
  CHECK(Count(Drawn({}), &Havoc::late) == 0);
}

TEST_CASE("The same seed gives the same chaos, another seed another") {
  const ChaosOptions options{.duplicates = 0.5, .reorder = 0.5, .late = 0.5};
  ChaosOptions other = options;
  other.seed = 2;
  const auto first = Drawn(options);
  const auto again = Drawn(options);
  const auto third = Drawn(other);
  int same = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].duplicated == again[i].duplicated);
    CHECK(first[i].soon == again[i].soon);
    same += first[i].duplicated == third[i].duplicated;
  }
  CHECK(std::abs(same - 1000) < 150);
}

TEST_CASE("Only a first attempt is held back, and never the question what became of a pivot") {
  CHECK(Count(Drawn({.reorder = 1}, 1), &Havoc::held_back) == 2000);
  CHECK(Count(Drawn({.reorder = 1}, 2), &Havoc::held_back) == 0);
  const Chaos chaos({.reorder = 1});
  CHECK_FALSE(chaos.Draw(Site("1", "charge", CallVerb::kAsk)).held_back);
}

TEST_CASE("A call that is held back arrives behind another one of its order, not behind itself") {
  Calls calls;
  Chaos chaos({.reorder = 1});
  chaos.HoldBack(Site("1", "charge"), calls.Make("held"));
  chaos.Answered(Site("1", "charge"));                   // its second attempt
  chaos.Answered(Site("2", "charge", CallVerb::kUndo));  // of another order
  CHECK(chaos.counts().reordered == 0);
  chaos.Answered(Site("1", "charge", CallVerb::kUndo));
  REQUIRE(chaos.Finish().ok());
  CHECK(chaos.counts().reordered == 1);
  CHECK(calls.names() == std::vector<std::string>{"held"});
}

TEST_CASE("What is held at the end arrives then, all of it, and once") {
  Calls calls;
  Chaos chaos({.reorder = 1, .late = 1});
  for (int i = 0; i < 5000; ++i) {  // more than it holds
    chaos.HoldBack(Site(std::to_string(i), "charge"), calls.Make("held"));
    chaos.MakeLater(calls.Make("late"), std::make_shared<CallAnswers>(), std::nullopt);
  }
  chaos.MakeLater(calls.Make("soon"), std::make_shared<CallAnswers>(), absl::Milliseconds(1));
  chaos.MakeTwice(calls.Make("twice"), std::make_shared<CallAnswers>());
  REQUIRE(chaos.Finish().ok());
  CHECK(chaos.counts().reordered == 5000);
  CHECK(chaos.counts().late == 5001);
  CHECK(chaos.counts().duplicated == 1);
  CHECK(calls.names().size() == 10'002);
  REQUIRE(chaos.Finish().ok());
  CHECK(calls.names().size() == 10'002);
}

TEST_CASE("A copy that is told something else than its call is counted") {
  Calls calls;
  Chaos chaos({.duplicates = 1});
  const auto answers = std::make_shared<CallAnswers>();
  CHECK(answers->Add("same"));
  chaos.MakeTwice(calls.Make("a"), answers);
  REQUIRE(chaos.Finish().ok());
  CHECK(chaos.contradictions() == 0);
  chaos.MakeTwice(calls.Make("b", "other"), answers);
  REQUIRE(chaos.Finish().ok());
  CHECK(chaos.contradictions() == 1);
}

TEST_CASE("Nothing arrives once it is stopped") {
  Calls calls;
  Chaos chaos({.late = 1});
  chaos.MakeLater(calls.Make("late"), std::make_shared<CallAnswers>(), std::nullopt);
  chaos.Stop();
  chaos.MakeTwice(calls.Make("twice"), std::make_shared<CallAnswers>());
  CHECK(chaos.Finish().ok());
  CHECK(calls.names().empty());
}

}  // namespace
}  // namespace order_flow
