// The states of a saga, the events that move it, and the whitelist of moves. Both numbers are
// persisted and never reused; docs/internals/states.md holds the same tables written by hand, and a
// test compares them.
#pragma once

#include <cstdint>
#include <string_view>

#include "skald/base/export.h"

namespace skald::inline v1 {

enum class SagaState : uint8_t {
  kRunning = 1,
  kCompensating = 2,
  kStuck = 3,        // cannot go on without a person or another build
  kCompleted = 4,    // every step is Done
  kCompensated = 5,  // every step that ran or may have run is undone
  kAbandoned = 6,    // an operator gave it up, by name
};

SKALD_EXPORT std::string_view ToString(SagaState state);

constexpr bool IsTerminal(SagaState state) {
  return state == SagaState::kCompleted || state == SagaState::kCompensated ||
         state == SagaState::kAbandoned;
}

enum class EventKind : uint8_t {
  kStart = 1,
  kVerdict = 2,
  kGaveUp = 3,
  kTimerFired = 4,
  kSignal = 5,
  kCancelAsked = 6,
  kDeadlinePassed = 7,
  kTurn = 8,
  kRegistered = 9,
  kOperatorVerb = 10,
  kRecovered = 11,
  kExpired = 12,
};

SKALD_EXPORT std::string_view ToString(EventKind kind);

// What a state does with an event: takes it, ignores it (harmless, already true or too late), or
// refuses it (whoever sent it is told; from a journal it is damage).
enum class Reaction : uint8_t { kAccept, kIgnore, kRefuse };

SKALD_EXPORT Reaction ReactionOf(SagaState state, EventKind event);

// Whether the contract has a move from one state to the other.
SKALD_EXPORT bool MayMove(SagaState from, SagaState to);

}  // namespace skald::inline v1
