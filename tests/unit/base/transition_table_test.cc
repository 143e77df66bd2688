#include "skald/base/transition_table.h"

#include "catch.h"

namespace {

using skald::Transition;
using skald::TransitionTable;

enum class Door { kShut, kOpen, kBroken };
enum class Push { kOpen, kShut, kKick };

std::string_view ToString(Door door) {
  return door == Door::kShut ? "Shut" : door == Door::kOpen ? "Open" : "Broken";
}
std::string_view ToString(Push push) {
  return push == Push::kOpen ? "open" : push == Push::kShut ? "shut" : "kick";
}

constexpr TransitionTable kDoor(std::to_array<Transition<Door, Push>>({
    {Door::kShut, Push::kOpen, Door::kOpen},
    {Door::kOpen, Push::kShut, Door::kShut},
    {Door::kShut, Push::kKick, Door::kBroken},
    {Door::kBroken, Push::kKick, Door::kBroken},
}));

static_assert(kDoor.Next(Door::kShut, Push::kOpen) == Door::kOpen, "known to the compiler");

TEST_CASE("What is in the table happens, everything else is refused") {
  CHECK(kDoor.Next(Door::kOpen, Push::kShut) == Door::kShut);
  CHECK_FALSE(kDoor.Next(Door::kOpen, Push::kOpen).has_value());
  CHECK_FALSE(kDoor.Next(Door::kBroken, Push::kShut).has_value());
}

TEST_CASE("The table tells which states lead where, and which are terminal") {
  CHECK(kDoor.Leads(Door::kShut, Door::kBroken));
  CHECK_FALSE(kDoor.Leads(Door::kBroken, Door::kShut));
  CHECK(kDoor.Terminal(Door::kBroken));
  CHECK_FALSE(kDoor.Terminal(Door::kOpen));
}

TEST_CASE("The table draws itself as a state diagram") {
  CHECK(kDoor.ToMermaid() ==
        "stateDiagram-v2\n"
        "    Shut --> Open : open\n"
        "    Open --> Shut : shut\n"
        "    Shut --> Broken : kick\n"
        "    Broken --> Broken : kick\n");
}

}  // namespace
