// What a step follows, by its links: the graph, its text, and what is wrong with one.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "skald/saga/define.h"

namespace {

using skald::After;
using skald::Define;
using skald::Definition;
using skald::ForEach;
using skald::StepContext;
using skald::Unless;
using skald::Using;
using skald::When;
using Steps = std::vector<uint16_t>;

struct A : skald::StepKey<"a", std::string> {};
struct B : skald::StepKey<"b", std::string> {};
struct C : skald::StepKey<"c", std::string> {};
struct D : skald::StepKey<"d", std::string> {};
struct Yes : skald::StepKey<"yes", bool> {};
struct Also : skald::StepKey<"also", bool> {};
struct Rest : skald::StepKey<"rest"> {};
struct Paid : skald::SignalKey<"paid", int64_t> {};
inline constexpr skald::SagaKey<"s", 1, std::string> kSaga;

std::string Act(const StepContext&, const std::string&) {
  return "";
}
void Undo(const StepContext&, const std::string&, const std::string*) {}
bool Decides(const std::string&) {
  return true;
}

Steps Before(const Definition& definition, size_t step) {
  return definition.data().steps[step].predecessors;
}

TEST_CASE("a step follows what it names, and without names all that stands before it") {
  const Definition d = Define(kSaga)
                           .Step(A{}, Act, Undo)
                           .Step(B{}, After(), Act, Undo)
                           .Step(C{}, After(A{}), Act, Undo)
                           .NoEffect(D{}, Act)
                           .Build();
  REQUIRE(Validate(d).ok());
  CHECK(Before(d, 0) == Steps{});
  CHECK(Before(d, 1) == Steps{});
  CHECK(Before(d, 2) == Steps{0});
  CHECK(Before(d, 3) == Steps{1, 2});  // a by way of c
}

TEST_CASE("the pivot follows everything before it, and everything behind follows the pivot") {
  const Definition d = Define(kSaga)
                           .Step(A{}, Act, Undo)
                           .Step(B{}, After(), Act, Undo)
                           .Pivot(C{}, Using(A{}),
                                  [](const StepContext&, const std::string&, const std::string&) {
                                    return std::string();
                                  })
                           .Retriable(D{}, After(A{}), Act)
                           .Sleep(Rest{}, After(), absl::Seconds(1))
                           .Build();
  REQUIRE(Validate(d).ok());
  CHECK(Before(d, 2) == Steps{0, 1});
  CHECK(Before(d, 3) == Steps{2});
  CHECK(Before(d, 4) == Steps{2});
}

TEST_CASE("a step follows its decisions, and nothing of a branch that excludes its own") {
  const Definition d = Define(kSaga)
                           .Decide(Yes{}, Decides)
                           .Step(A{}, When(Yes{}), Act, Undo)
                           .Step(B{}, Unless(Yes{}), Act, Undo)
                           .Decide(Also{}, When(Yes{}), Decides)
                           .NoEffect(C{}, When(Also{}), Act)
                           .NoEffect(D{}, Act)
                           .Build();
  REQUIRE(Validate(d).ok());
  CHECK(Before(d, 1) == Steps{0});
  CHECK(Before(d, 2) == Steps{0});
  CHECK(Before(d, 3) == Steps{1});
  // c runs only where also, and so yes, is true: b never runs with it.
  CHECK(Before(d, 4) == Steps{3});
  CHECK(Before(d, 5) == Steps{2, 4});
}

TEST_CASE("the text of a definition names kinds, guards, items and payloads") {
  const Definition d =
      Define(kSaga)
          .Decide(Yes{}, Decides)
          .Step(
              A{}, When(Yes{}), ForEach([](const std::string&) { return std::vector<int64_t>(); }),
              [](const StepContext&, const std::string&, const int64_t&) { return std::string(); },
              [](const StepContext&, const std::string&, const int64_t&, const std::string*) {})
          .Sleep(Rest{}, absl::Seconds(1))
          .AwaitSignal(Paid{}, Unless(Yes{}), absl::Seconds(1))
          .Build();
  REQUIRE(Validate(d).ok());
  CHECK(d.data().canonical ==
        "skald definition 1\n"
        "saga s 1\n"
        "input \"string\" 1\n"
        "step yes 2 after [] uses [] output \"bool\" 1 kind 2\n"
        "step a 1 after [yes] uses [] output \"vector<string>\" 1 when [yes] each \"i64\" 1\n"
        "step rest 2 after [a] uses [] output \"struct\" 1 kind 3\n"
        "step paid 2 after [rest] uses [] output \"optional<i64>\" 1 kind 4 when [!yes] payload "
        "\"i64\" 1\n");
  CHECK(ToDot(d) ==
        "digraph \"s v1\" {\n"
        "  rankdir=LR;\n"
        "  s0 [label=\"yes\\ndecision\", shape=diamond];\n"
        "  s1 [label=\"a\\ncompensatable\", shape=box3d];\n"
        "  s2 [label=\"rest\\nsleep\", shape=circle];\n"
        "  s3 [label=\"paid\\nsignal\", shape=invhouse];\n"
        "  s0 -> s1 [label=yes];\n"
        "  s1 -> s2;\n"
        "  s2 -> s3;\n"
        "}\n");
}

TEST_CASE("what the compiler cannot see of a graph is told by Validate") {
  const auto problem = [](const Definition& d) { return std::string(Validate(d).message()); };
  CHECK(problem(Define(kSaga).Sleep(Rest{}, absl::InfiniteDuration()).Build()) ==
        "definition 's' version 1: step 'rest' sleeps for ever");
  CHECK(problem(Define(kSaga).AwaitSignal(Paid{}, -absl::Seconds(1)).Build()) ==
        "definition 's' version 1: step 'paid' waits for less than no time");
  CHECK(problem(Define(kSaga)
                    .Decide(Yes{}, Decides)
                    .NoEffect(A{}, When(Yes{}), Unless(Yes{}), Act)
                    .Build()) ==
        "definition 's' version 1: step 'a' never runs: its guards exclude each other");
  CHECK(
      problem(Define(kSaga)
                  .NoEffect(A{}, ForEach([](const std::string&) { return std::vector<bool>(); }, 0),
                            [](const StepContext&, const std::string&, const bool&) {
                              return std::string();
                            })
                  .Build()) ==
      "definition 's' version 1: step 'a' has a parallelism of 0: at least one item must run");
}

TEST_CASE("which branches exclude, imply and cover each other") {
  using skald::internal::AreExclusive;
  using skald::internal::GuardAt;
  using skald::internal::Guards;
  using skald::internal::Implies;
  using skald::internal::IsCovered;
  const Guards none;
  const Guards yes{GuardAt{0, true}};
  const Guards no{GuardAt{0, false}};
  const Guards yes_yes{GuardAt{0, true}, GuardAt{1, true}};
  const Guards yes_no{GuardAt{0, true}, GuardAt{1, false}};
  CHECK(AreExclusive(yes, no));
  CHECK(AreExclusive(yes_no, yes_yes));
  CHECK_FALSE(AreExclusive(yes, yes_no));
  CHECK_FALSE(AreExclusive(none, no));
  CHECK(Implies(yes_no, yes));
  CHECK_FALSE(Implies(yes, yes_no));
  CHECK(IsCovered(none, {yes, no}));
  CHECK(IsCovered(none, {no, yes_no, yes_yes}));
  CHECK(IsCovered(yes, {yes_no, yes_yes}));
  CHECK_FALSE(IsCovered(none, {yes}));
  CHECK_FALSE(IsCovered(none, {no, yes_no}));
  CHECK_FALSE(IsCovered(none, {}));
}

}  // namespace
