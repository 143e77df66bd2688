// A state machine as a whitelist: the rows that may happen, and nothing else.
//
//   inline constexpr TransitionTable kDoor(std::to_array<Transition<Door, Push>>({
//       {Door::kShut, Push::kOpen, Door::kOpen},
//       {Door::kOpen, Push::kShut, Door::kShut},
//   }));
//   std::optional<Door> next = kDoor.Next(state, event);     // nullopt: refused
//
// Two rows for one (state, event) do not compile. State and event are enums; ToMermaid() needs
// ToString(State) and ToString(Event), found by argument-dependent look-up.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace skald::inline v1 {

template <typename State, typename Event>
struct Transition {
  State from;
  Event event;
  State to;
};

template <typename State, typename Event, size_t kRows>
class TransitionTable {
 public:
  using Row = Transition<State, Event>;

  consteval explicit TransitionTable(const std::array<Row, kRows>& rows) : rows_(rows) {
    for (size_t i = 0; i < kRows; ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (rows[i].from == rows[j].from && rows[i].event == rows[j].event) {
          ATransitionTableNamesOneStateAndEventTwice();
        }
      }
    }
  }

  // Where `event` leads from `from`; nullopt when that is not in the table.
  constexpr std::optional<State> Next(State from, Event event) const {
    for (const Row& row : rows_) {
      if (row.from == from && row.event == event) return row.to;
    }
    return std::nullopt;
  }
  // Whether some event leads from `from` to `to`.
  constexpr bool Leads(State from, State to) const {
    for (const Row& row : rows_) {
      if (row.from == from && row.to == to) return true;
    }
    return false;
  }
  // Whether no row leaves `state` for another one.
  constexpr bool Terminal(State state) const {
    for (const Row& row : rows_) {
      if (row.from == state && row.to != state) return false;
    }
    return true;
  }
  constexpr const std::array<Row, kRows>& rows() const { return rows_; }

  // A state diagram for https://mermaid.js.org, in the order of the rows.
  std::string ToMermaid() const {
    std::string out = "stateDiagram-v2\n";
    for (const Row& row : rows_) {
      out.append("    ").append(ToString(row.from)).append(" --> ").append(ToString(row.to));
      out.append(" : ").append(ToString(row.event)).append("\n");
    }
    return out;
  }

 private:
  // Not constexpr on purpose: its name is the compiler's message.
  static void ATransitionTableNamesOneStateAndEventTwice() {}

  std::array<Row, kRows> rows_;
};

template <typename State, typename Event, size_t kRows>
TransitionTable(const std::array<Transition<State, Event>, kRows>&)
    -> TransitionTable<State, Event, kRows>;

}  // namespace skald::inline v1
