#include "skald/saga/state.h"

#include <array>
#include <cstddef>

namespace skald::inline v1 {
namespace {

constexpr size_t kStates = 6;
constexpr size_t kEvents = 12;
constexpr Reaction A = Reaction::kAccept;
constexpr Reaction I = Reaction::kIgnore;
constexpr Reaction R = Reaction::kRefuse;

// Rows: states in their order; columns: events in theirs. docs/internals/states.md says why.
constexpr std::array<std::array<Reaction, kEvents>, kStates> kReactions = {{
    // Start Verdict GaveUp Timer Signal Cancel Deadline Turn Registered Verb Recovered Expired
    {R, A, A, A, A, A, A, A, I, A, I, R},  // Running
    {R, A, A, I, R, I, I, R, I, A, I, R},  // Compensating
    {R, I, I, I, R, A, I, R, A, A, I, R},  // Stuck
    {R, I, I, I, R, R, I, R, I, R, I, A},  // Completed
    {R, I, I, I, R, R, I, R, I, R, I, A},  // Compensated
    {R, I, I, I, R, R, I, R, I, R, I, A},  // Abandoned
}};

constexpr std::array<std::array<bool, kStates>, kStates> kMoves = {{
    // Running Compensating Stuck Completed Compensated Abandoned
    {false, true, true, true, false, false},     // Running
    {false, false, true, false, true, false},    // Compensating
    {true, true, false, false, false, true},     // Stuck
    {false, false, false, false, false, false},  // Completed
    {false, false, false, false, false, false},  // Compensated
    {false, false, false, false, false, false},  // Abandoned
}};

constexpr size_t Index(SagaState state) {
  return static_cast<size_t>(state) - 1;
}
constexpr size_t Index(EventKind event) {
  return static_cast<size_t>(event) - 1;
}

}  // namespace

std::string_view ToString(SagaState state) {
  switch (state) {
    case SagaState::kRunning:
      return "Running";
    case SagaState::kCompensating:
      return "Compensating";
    case SagaState::kStuck:
      return "Stuck";
    case SagaState::kCompleted:
      return "Completed";
    case SagaState::kCompensated:
      return "Compensated";
    case SagaState::kAbandoned:
      return "Abandoned";
  }
  return "?";
}

std::string_view ToString(EventKind kind) {
  switch (kind) {
    case EventKind::kStart:
      return "Start";
    case EventKind::kVerdict:
      return "Verdict";
    case EventKind::kGaveUp:
      return "GaveUp";
    case EventKind::kTimerFired:
      return "TimerFired";
    case EventKind::kSignal:
      return "Signal";
    case EventKind::kCancelAsked:
      return "CancelAsked";
    case EventKind::kDeadlinePassed:
      return "DeadlinePassed";
    case EventKind::kTurn:
      return "Turn";
    case EventKind::kRegistered:
      return "Registered";
    case EventKind::kOperatorVerb:
      return "OperatorVerb";
    case EventKind::kRecovered:
      return "Recovered";
    case EventKind::kExpired:
      return "Expired";
  }
  return "?";
}

Reaction ReactionOf(SagaState state, EventKind event) {
  return kReactions[Index(state)][Index(event)];
}

bool MayMove(SagaState from, SagaState to) {
  return kMoves[Index(from)][Index(to)];
}

}  // namespace skald::inline v1
