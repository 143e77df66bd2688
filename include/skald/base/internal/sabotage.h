// Bugs planted on purpose, so that the simulator can prove that it finds them: a checker that has
// never caught anything proves nothing. They exist in builds made for that alone (the Meson option
// `sabotage`); everywhere else the switch is the constant false and leaves no code behind.
//
//   if (machine.undurable > 0 && !SKALD_SABOTAGED(kEarlyAnswer)) return;
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(SKALD_SABOTAGE)
#include <atomic>
#endif

namespace skald::inline v1::internal {

enum class Sabotage : uint8_t {
  kNone = 0,
  kEarlyAnswer,          // Start answers before its record is durable
  kAnswerBeforeCommit,   // the committer answers, then commits
  kUnknownIsDurable,     // a commit whose outcome is unknown counts as done
  kLostSync,             // the store acknowledges what a power loss can still take
  kStaleFence,           // the store takes commits under an old fence
  kNoNullCompensation,   // undoing what never ran does not block the late action
  kForgetfulBarrier,     // a repeated action runs again
  kLeakyReconcile,       // Reconcile says no without making sure of it
  kForgetsLostAttempts,  // after a restart what was sent counts as never sent
  kUncleanIsClean,       // a rejection after an Unknown counts as proof that nothing happened
  kUndoesInAnyOrder,     // compensations do not wait for what depends on their step
  kShortSightedOrder,    // they wait for the next step only, not for what lies behind it
  kCancelBehindPivot,    // a Cancel is obeyed while the pivot may be running
  kForgetsFinished,      // a key whose saga has ended, and is still in memory, starts another
  kTakesOtherInput,      // a known key with another input is answered as if it were the same
  kKeyOfTheEpoch,        // the effect key changes with every owner
  kDropsTooEarly,        // journal blocks are dropped while unfinished sagas need them
  kOvertakesAttempts,    // a timed-out attempt is not waited for, although nothing guards the step
  kFloorTooHigh,         // barriers are told to forget sagas that are still live
  kIgnoresDelay,         // a step is tried again before the delay that it asked for
  kSendsWhatWaited,      // what waits for a full executor goes out although its step is settled
  kRetryLaterProves,     // giving up after RetryLater alone counts as proof that nothing happened
  kUnboundedFanOut,      // all items of a fan-out are sent at once
  kUndoesEveryItem,      // items that were never sent are compensated, too
  kForgetsItems,         // an item is given its neighbour's journaled value
  kRunsSkipped,          // a step runs whatever its decisions say
  kLosesEarlySignal,     // a signal that was accepted before the turn, and not taken, is forgotten
  kTakesAnySignal,       // a signal is accepted although its await may still be skipped
  kCountsSignalsTwice,   // a signal sent again is refused, as if another had come
  kRefusesTooEarly,      // a signal is refused for good by what is not durable yet
  kForgetsSleepers,      // a saga that leaves memory is not written down
  kForgetsTimers,        // nothing wakes it
  kEarlyTimer,           // a sleep or an await ends before its time
  kSagaOfTheEpoch,       // after a restart a step starts another saga than before
  kRetriesTheSameSaga,   // an operator's Retry of a step asks the saga that has ended already
  kForgetsToTell,        // a saga that ends does not tell the one that has started it
  kTakesRunningForDone,  // a saga that was started and still runs counts as completed
  kIgnoresOwnInput,      // the steps of a part are given the whole saga's input
  kForgetsPutOff,        // a long wait for the next attempt ends with its process, or its sleep
  kWakesUnlost,  // what another process put to sleep comes back as if nothing was sent since
  kTellsBesideTheChange,  // an outbox' message becomes durable without its change
  kNumbersEarly,          // messages get their numbers before anybody knows which comes first
  kForgetsUnconfirmed,    // a message that the broker did not confirm is taken for published
  kOvertakesMessages,     // a message does not wait for those of its key before it
  kForgetsTaken,          // an inbox takes a message again
  kGuardForgets,          // a guarded write does not depend on the lease's fence
  kBelievesTooLong,       // a holder that cannot renew goes on believing in its lease
  kKeepsFence,            // a lease changes hands, and its fence does not
  kIdsUnreserved,         // ids are given out before their span is durably reserved
  kIdsByTheClock,         // ids go back with the clock
  kSharesWorker,          // two generators of one worker do not notice each other
  kLooksPastUnfolded,     // after an open, a key is looked up among the sagas folded so far
};

// Names in the order of the numbers, for tables and flags.
inline constexpr std::array<std::string_view, 53> kSabotageNames = {
    "none",
    "early-answer",
    "answer-before-commit",
    "unknown-is-durable",
    "lost-sync",
    "stale-fence",
    "no-null-compensation",
    "forgetful-barrier",
    "leaky-reconcile",
    "forgets-lost-attempts",
    "unclean-is-clean",
    "undoes-in-any-order",
    "short-sighted-order",
    "cancel-behind-pivot",
    "forgets-finished",
    "takes-other-input",
    "key-of-the-epoch",
    "drops-too-early",
    "overtakes-attempts",
    "floor-too-high",
    "ignores-delay",
    "sends-what-waited",
    "retry-later-proves",
    "unbounded-fan-out",
    "undoes-every-item",
    "forgets-items",
    "runs-skipped",
    "loses-early-signal",
    "takes-any-signal",
    "counts-signals-twice",
    "refuses-too-early",
    "forgets-sleepers",
    "forgets-timers",
    "early-timer",
    "saga-of-the-epoch",
    "retries-the-same-saga",
    "forgets-to-tell",
    "takes-running-for-done",
    "ignores-own-input",
    "forgets-put-off",
    "wakes-unlost",
    "tells-beside-the-change",
    "numbers-early",
    "forgets-unconfirmed",
    "overtakes-messages",
    "forgets-taken",
    "guard-forgets",
    "believes-too-long",
    "keeps-fence",
    "ids-unreserved",
    "ids-by-the-clock",
    "shares-worker",
    "looks-past-unfolded",
};

#if defined(SKALD_SABOTAGE)
// Of the whole process. Set before anything else runs.
inline std::atomic<Sabotage> planted{Sabotage::kNone};
#define SKALD_SABOTAGED(bug) \
  (::skald::internal::planted.load(std::memory_order_relaxed) == ::skald::internal::Sabotage::bug)
#else
#define SKALD_SABOTAGED(bug) false
#endif

}  // namespace skald::inline v1::internal
