// docs/internals/states.md is written by hand, and so are the tables of lib/saga/state.cc: here
// they must say the same, cell by cell.
#include <array>
#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/saga/state.h"

namespace {

using skald::EventKind;
using skald::Reaction;
using skald::SagaState;

constexpr std::array kStates = {SagaState::kRunning,     SagaState::kCompensating,
                                SagaState::kStuck,       SagaState::kCompleted,
                                SagaState::kCompensated, SagaState::kAbandoned};
constexpr std::array kEvents = {
    EventKind::kStart,          EventKind::kVerdict,   EventKind::kGaveUp,
    EventKind::kTimerFired,     EventKind::kSignal,    EventKind::kCancelAsked,
    EventKind::kDeadlinePassed, EventKind::kTurn,      EventKind::kRegistered,
    EventKind::kOperatorVerb,   EventKind::kRecovered, EventKind::kExpired};

using Place = std::pair<std::string, std::string>;  // row, column
using Cells = std::map<Place, std::string>;

Place At(std::string_view row, std::string_view column) {
  return {std::string(row), std::string(column)};
}

// The cells of "| a | b |", without the blanks around them.
std::vector<std::string> SplitRow(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream behind_the_first_bar(line.substr(1));
  for (std::string cell; std::getline(behind_the_first_bar, cell, '|');) {
    const size_t first = cell.find_first_not_of(' ');
    const size_t last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

// The first table below a heading of the page.
Cells TableUnder(std::string_view heading) {
  std::ifstream page(SKALD_SOURCE_DIR "/docs/internals/states.md");
  std::string line;
  while (std::getline(page, line) && line != heading) {
  }
  while (std::getline(page, line) && !line.starts_with('|')) {
  }
  REQUIRE(line.starts_with('|'));
  const std::vector<std::string> head = SplitRow(line);
  REQUIRE(static_cast<bool>(std::getline(page, line)));  // the line of dashes
  Cells cells;
  while (std::getline(page, line) && line.starts_with('|')) {
    const std::vector<std::string> row = SplitRow(line);
    REQUIRE(row.size() == head.size());
    for (size_t i = 1; i < row.size(); ++i) {
      INFO(row[0] << ", " << head[i]);
      const bool first_time = cells.emplace(At(row[0], head[i]), row[i]).second;
      CHECK(first_time);
    }
  }
  return cells;
}

std::string Letter(Reaction reaction) {
  switch (reaction) {
    case Reaction::kAccept:
      return "A";
    case Reaction::kIgnore:
      return "I";
    case Reaction::kRefuse:
      return "R";
  }
  return "?";
}

TEST_CASE("the page of states has the code's reaction to every event in every state") {
  const Cells page = TableUnder("## Reactions");
  CHECK(page.size() == kStates.size() * kEvents.size());
  for (const SagaState state : kStates) {
    for (const EventKind event : kEvents) {
      const Place place = At(ToString(state), ToString(event));
      INFO(place.first << ", " << place.second);
      REQUIRE(page.contains(place));
      CHECK(page.at(place) == Letter(ReactionOf(state, event)));
    }
  }
}

TEST_CASE("the page of states has every move that the code allows, and no other") {
  const Cells page = TableUnder("## Moves");
  CHECK(page.size() == kStates.size() * kStates.size());
  for (const SagaState from : kStates) {
    for (const SagaState to : kStates) {
      const Place place = At(ToString(from), ToString(to));
      INFO(place.first << " -> " << place.second);
      REQUIRE(page.contains(place));
      CHECK(page.at(place) == std::string(MayMove(from, to) ? "yes" : "-"));
    }
  }
}

TEST_CASE("what the whitelist calls terminal is what no move leaves") {
  for (const SagaState from : kStates) {
    bool leaves = false;
    for (const SagaState to : kStates) leaves = leaves || MayMove(from, to);
    INFO(ToString(from));
    CHECK(leaves != IsTerminal(from));
  }
}

}  // namespace
