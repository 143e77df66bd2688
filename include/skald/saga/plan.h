// Plan(view, attempts, now) -> what to do next, and Judge(...) -> what an attempt's end means.
// Pure.
//
// The view is what the journal says; Attempts is what only this process knows: which attempts run,
// how often each was tried, when the next is due. A restart loses the latter and marks it lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/micro_time.h"
#include "skald/base/random.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/fold.h"

namespace skald::inline v1 {

// What this process knows of a step, or an item of one, being tried in one direction.
struct Attempts {
  uint32_t index = 0;
  uint16_t step = 0;
  Direction direction = Direction::kAction;
  bool running : 1 = false;
  bool reconciling : 1 = false;  // the running or next attempt asks Reconcile
  bool timed_out : 1 = false;    // the running one is beyond its deadline
  bool unclean : 1 = false;      // one was Unknown, timed out, or lost to a restart
  bool sent : 1 = false;         // an executor has taken an attempt before; never taken back
  bool resent : 1 = false;       // the running one is not the first that this process sent
  bool lost : 1 = false;         // the process that knew of earlier ones is gone
  uint32_t count = 0;            // ended and running ones, in this process
  uint32_t zombies = 0;          // timed-out ones that still run and are not waited for any more
  uint32_t token = 0;            // of the running attempt; a late one has an older token
  MicroTime next = MicroTime::InfinitePast();  // not before
};

using AttemptList = absl::InlinedVector<Attempts, 1>;

// The entry for (step, index, direction), or null.
SKALD_EXPORT Attempts* FindAttempts(AttemptList& list, uint16_t step, uint32_t index,
                                    Direction direction);

enum class NextKind : uint8_t {
  kRun,        // dispatch an attempt of (step, index, direction) now
  kGiveUp,     // journal a GaveUp: the step may not be tried again (Once)
  kWaitUntil,  // nothing before `at`
  kTurn,       // journal a Turn
  kDeadline,   // journal DeadlinePassed, then a Turn
  kTimer,      // journal TimerFired: the time of a sleep or an await is up
  kAskAgain,   // not in memory, the saga that the step has started is asked again at `at`
};

struct Next {
  NextKind kind = NextKind::kRun;
  uint16_t step = Event::kNoStep;
  uint32_t index = 0;
  Direction direction = Direction::kAction;
  bool reconcile = false;
  bool prelude = false;  // what is called is the step's prelude
  MicroTime at = MicroTime::InfiniteFuture();
};

using NextList = absl::InlinedVector<Next, 2>;

// What the saga needs now. Empty: it is at rest or waits for running attempts. Every kRun must be
// dispatched, every Turn journaled, before the next call.
// REQUIRES: every event folded into `view` is durable.
SKALD_EXPORT NextList Plan(const SagaView& view, const internal::DefinitionData& definition,
                           const AttemptList& attempts, MicroTime now);

// A step cannot be Done any more: the saga turns.
SKALD_EXPORT bool MustTurn(const SagaView& view);

// The event that puts the next attempt off until attempts.next: what a long wait is worth. `out`
// holds its output, and must outlive it.
// REQUIRES: Judge has just said kRetry.
SKALD_EXPORT Event PutOff(const SagaView& view, const Attempts& attempts, MicroTime now,
                          std::string* out);
// The journal says of the place all that is known of these attempts, but for their being lost.
SKALD_EXPORT bool IsWritten(const PlaceView& place, const Attempts& attempts);

// What the end of an attempt means: an event to journal, or another attempt later.
struct Judgement {
  enum class Kind : uint8_t { kVerdict, kGaveUp, kRetry, kIgnored } kind = Kind::kRetry;
  VerdictKind verdict = VerdictKind::kUnknown;
  bool clean = false;
  std::string reason;
  MicroTime retry_at;
};

// `attempts` is updated: counts, cleanness, the next time. `jitter` is drawn from [0, 1).
// `spent`: a retry is beyond the step's budget.
SKALD_EXPORT Judgement Judge(const SagaView& view, const internal::DefinitionData& definition,
                             Attempts& attempts, const internal::AttemptResult& result,
                             MicroTime now, double jitter, bool spent = false);

// The policy by which attempts of the step in this direction are tried again.
SKALD_EXPORT const RetryPolicy& PolicyOf(const internal::StepNode& node, Direction direction);

// When an attempt that is dispatched now must end.
SKALD_EXPORT MicroTime AttemptDeadline(const SagaView& view,
                                       const internal::DefinitionData& definition,
                                       const Attempts& attempts, MicroTime now);

}  // namespace skald::inline v1
