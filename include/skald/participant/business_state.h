// The state of a business entity, moved only along its table, in the transaction of whatever moves
// it: a barrier's function, an outbox' message and the state are then one batch.
//
//   enum class OrderState : uint8_t { kPending = 1, kPaid = 2, kCancelled = 3, kShipped = 4 };
//   enum class OrderEvent : uint8_t { kPay = 1, kCancel = 2, kShip = 3 };
//   constexpr skald::BusinessTable kOrder(
//       OrderState::kPending,
//       std::to_array<skald::Transition<OrderState, OrderEvent>>({
//           {OrderState::kPending, OrderEvent::kPay, OrderState::kPaid},
//           {OrderState::kPending, OrderEvent::kCancel, OrderState::kCancelled},
//           {OrderState::kPaid, OrderEvent::kShip, OrderState::kShipped}}),
//       std::array{OrderState::kCancelled, OrderState::kShipped});        // final
//
//   auto moved = skald::Move(rows, "order/7", kOrder, OrderEvent::kPay);
//
//   the event leads on from where the entity is    kMoved
//   it happened before, with the same outcome      kAlreadyThere: "already paid", also once shipped
//   anything else                                  kIllegal: "may not be paid"; nothing changes
//
// What happened before is known by the event and the state that it led to, not by a request's id:
// two requests that say the same are one, and one id that is used for two things is not hidden.
// States and events are persisted: numbered, from 0 to 255, never reused.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/status.h"
#include "skald/base/transition_table.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

enum class MoveKind : uint8_t { kMoved = 1, kAlreadyThere = 2, kIllegal = 3 };

// What became of a move. `from` is where the entity was, `to` where it is.
template <typename State>
struct Moved {
  MoveKind kind = MoveKind::kIllegal;
  State from{};
  State to{};
  uint64_t version = 0;  // counts the moves of the entity; 0: it has none yet
};

namespace internal {

// An entity's row, in numbers.
struct BusinessRow {
  uint64_t version = 0;
  uint8_t state = 0;
  std::vector<std::pair<uint8_t, uint8_t>> happened;  // events, and where they led; each once
};
// nullopt: the entity has no row. RETURNS: DataLoss naming it; what the transaction says.
SKALD_EXPORT absl::StatusOr<std::optional<BusinessRow>> ReadBusinessRow(Transaction& rows,
                                                                        std::string_view key);
SKALD_EXPORT void WriteBusinessRow(Transaction& rows, std::string_view key, const BusinessRow& row);
SKALD_EXPORT absl::Status WrongVersion(std::string_view key, uint64_t expected, uint64_t version);
SKALD_EXPORT absl::Status UnknownState(std::string_view key, uint8_t state);

}  // namespace internal

// A table with a beginning and its ends. What does not compile: a state that cannot be reached, one
// that nothing leaves and that is not declared final, and a final one that something leaves.
template <typename State, typename Event, size_t kRows, size_t kFinals>
class BusinessTable {
 public:
  using StateType = State;
  using EventType = Event;

  consteval BusinessTable(State initial, const std::array<Transition<State, Event>, kRows>& rows,
                          const std::array<State, kFinals>& finals)
      : initial_(initial), table_(rows), finals_(finals) {
    for (const auto& row : rows) {
      if (!Reaches(row.from)) AStateOfTheTableCannotBeReached();
      if (table_.Terminal(row.to) && !IsFinal(row.to)) AStateThatNothingLeavesIsNotDeclaredFinal();
      if (IsFinal(row.from)) AFinalStateIsLeft();
    }
    for (const State state : finals) {
      if (!Reaches(state)) AStateOfTheTableCannotBeReached();
    }
  }

  constexpr State initial() const { return initial_; }
  constexpr std::optional<State> Next(State from, Event event) const {
    return table_.Next(from, event);
  }
  constexpr bool IsFinal(State state) const {
    return std::find(finals_.begin(), finals_.end(), state) != finals_.end();
  }
  constexpr bool Has(State state) const {
    if (state == initial_) return true;
    for (const auto& row : table_.rows()) {
      if (row.from == state || row.to == state) return true;
    }
    return false;
  }

  // A state diagram for https://mermaid.js.org. Needs ToString of both enums.
  std::string ToMermaid() const {
    std::string text = table_.ToMermaid();
    text.append("    [*] --> ").append(ToString(initial_)).append("\n");
    for (const State state : finals_) {
      text.append("    ").append(ToString(state)).append(" --> [*]\n");
    }
    return text;
  }

 private:
  consteval bool Reaches(State state) const {
    std::array<State, kRows + 1> reached{initial_};
    size_t count = 1;
    for (size_t i = 0; i < count; ++i) {
      if (reached[i] == state) return true;
      for (const auto& row : table_.rows()) {
        const bool known =
            std::find(reached.begin(), reached.begin() + count, row.to) != reached.begin() + count;
        if (row.from == reached[i] && !known) reached[count++] = row.to;
      }
    }
    return false;
  }
  // Not constexpr on purpose: their names are the compiler's messages.
  static void AStateOfTheTableCannotBeReached() {}
  static void AStateThatNothingLeavesIsNotDeclaredFinal() {}
  static void AFinalStateIsLeft() {}

  State initial_;
  TransitionTable<State, Event, kRows> table_;
  std::array<State, kFinals> finals_;
};

template <typename State, typename Event, size_t kRows, size_t kFinals>
BusinessTable(State, const std::array<Transition<State, Event>, kRows>&,
              const std::array<State, kFinals>&) -> BusinessTable<State, Event, kRows, kFinals>;

// Moves the entity of this key, or says why not. An entity that has no row is in the table's first
// state. `version`: the move is made only at that one.
// RETURNS: Aborted     the entity is at another version; look again
//          DataLoss    its row does not read, or holds a state that the table does not have
//          what the transaction says
template <typename Table>
absl::StatusOr<Moved<typename Table::StateType>> Move(Transaction& rows, std::string_view key,
                                                      const Table& table,
                                                      typename Table::EventType event,
                                                      std::optional<uint64_t> version = {}) {
  using State = typename Table::StateType;
  static_assert(
      std::is_same_v<std::underlying_type_t<State>, uint8_t> &&
          std::is_same_v<std::underlying_type_t<typename Table::EventType>, uint8_t>,
      "skald: states and events are persisted as a byte: enum class OrderState : uint8_t");
  SKALD_ASSIGN_OR_RETURN(std::optional<internal::BusinessRow> row,
                         internal::ReadBusinessRow(rows, key));
  if (!row) row.emplace().state = static_cast<uint8_t>(table.initial());
  const auto from = static_cast<State>(row->state);
  if (!table.Has(from)) return internal::UnknownState(key, row->state);
  if (version && *version != row->version) {
    return internal::WrongVersion(key, *version, row->version);
  }
  Moved<State> moved{.from = from, .to = from, .version = row->version};
  if (const std::optional<State> next = table.Next(from, event)) {
    const std::pair<uint8_t, uint8_t> what(static_cast<uint8_t>(event),
                                           static_cast<uint8_t>(*next));
    if (std::find(row->happened.begin(), row->happened.end(), what) == row->happened.end()) {
      row->happened.push_back(what);
    }
    row->state = what.second;
    moved = {MoveKind::kMoved, from, *next, ++row->version};
    internal::WriteBusinessRow(rows, key, *row);
    return moved;
  }
  const bool happened =
      std::any_of(row->happened.begin(), row->happened.end(),
                  [event](const auto& what) { return what.first == static_cast<uint8_t>(event); });
  moved.kind = happened ? MoveKind::kAlreadyThere : MoveKind::kIllegal;
  return moved;
}

// Where the entity is; the table's first state when it has no row.
template <typename Table>
absl::StatusOr<typename Table::StateType> StateOf(Transaction& rows, std::string_view key,
                                                  const Table& table) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<internal::BusinessRow> row,
                         internal::ReadBusinessRow(rows, key));
  if (!row) return table.initial();
  const auto state = static_cast<typename Table::StateType>(row->state);
  if (!table.Has(state)) return internal::UnknownState(key, row->state);
  return state;
}

}  // namespace skald::inline v1
