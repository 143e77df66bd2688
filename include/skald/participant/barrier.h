// The participant's record that makes an action and its compensation happen at most once, in order,
// however often and in whatever order they are asked for.
//
// The record goes into the same atomic batch as the business change: either both are durable or
// neither is. What a caller then sees, per action of a saga:
//
//   asked for              when the record says               answer
//   Action                 nothing                            runs; Done or Rejected is recorded
//                          Done                               Done, the recorded output
//                          Rejected                           RejectedForKey
//                          undone before it ran, blocked      RejectedForKey
//   Compensation           nothing                            Done, changing nothing; blocks it
//                          Done, not compensated              runs with the recorded output
//                          anything else                      Done, or what it said before
//   Reconcile              nothing                            RejectedForKey; blocks it
//                          anything else                      as Action
//   any of them            same key, another request          Unknown
//                          below the floor                    Unknown
//
//   auto barrier = skald::Barrier::Open(committer, {.name = "stock"});
//   skald::Verdict<Hold> hold = (*barrier)->Action(
//       skald::BarrierRequest::Of(step, order),
//       [&](skald::Transaction& rows) -> skald::Verdict<Hold> { return TakeStock(rows, order); });
//
// RetryLater and Unknown are not recorded and nothing of their transaction is: the key is as if it
// had not been asked for. Rejected is final for its key, in either direction: a compensation that
// may succeed after somebody repaired something says RetryLater.
//
// A function given to a barrier reads and writes only through the transaction it gets. It runs on
// the calling thread before the call returns, again from the start when a row that it read has
// changed meanwhile, and never after the call returned. It may return T, absl::Status,
// absl::StatusOr<T> or Verdict<T>; what it throws becomes Unknown. A Rejected drops what it wrote.
//
// While one call of a key is in process, equal calls wait for its answer without running anything.
// A compensation or a Reconcile does not wait for its action: whichever is written first decides,
// and the other follows the record.
//
// Survives what the committer's store survives: answers are given only when they are durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier_options.h"
#include "skald/participant/barrier_request.h"
#include "skald/participant/internal/barrier_inl.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

// THREADS: any. The blocking forms wait for a sync: not on the committer's own thread; and where
// the host polls the committer, not while an equal call is in process.
class SKALD_EXPORT Barrier {
 public:
  template <typename T>
  using Callback = absl::AnyInvocable<void(Verdict<T>) &&>;

  // Reads the floors. One barrier of a name at a time over one store: a process that takes over
  // opens its committer under the same writer's name, which shuts the earlier one out. `committer`
  // outlives all calls. To end those that wait for it, shut it down: they get Unknown.
  // RETURNS: InvalidArgument for the options; DataLoss, naming the row, for a floor that does not
  //          read; what the store says.
  static absl::StatusOr<std::unique_ptr<Barrier>> Open(Committer& committer,
                                                       BarrierOptions options = {});
  // REQUIRES: no call is in process, and every callback has been called.
  ~Barrier();
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Runs `function(Transaction&)`, unless the record has the answer.
  // REQUIRES: request.key.direction == kAction.
  // RETURNS:  besides what the table says,
  //   RetryLater  rows kept changing, or a bound was met; nothing changed
  //   Unknown     the commit's outcome is not known, the output does not encode, the record does
  //               not read, or the call is refused
  // COST:     one read and one row beside those of `function`; one sync, shared with other calls.
  template <typename Function>
  Verdict<internal::OutputOf<Function, Transaction&>> Action(const BarrierRequest& request,
                                                             Function&& function) {
    using T = internal::OutputOf<Function, Transaction&>;
    return internal::ToVerdict<T>(
        Run(BarrierVerb::kAction, request, internal::ActionBody<Transaction>(function)));
  }

  // The same without a thread to wait for the sync. `done` is called once: before this returns when
  // nothing is to be committed, otherwise on a thread of the committer or that of the equal call it
  // waited for. It must not block there.
  template <typename Function>
  void ActionThen(const BarrierRequest& request, Function&& function,
                  Callback<internal::OutputOf<Function, Transaction&>> done) {
    using T = internal::OutputOf<Function, Transaction&>;
    RunThen(BarrierVerb::kAction, request, internal::ActionBody<Transaction>(function),
            internal::TypedDone<T>(std::move(done)));
  }

  // Runs `function(Transaction&, const T& output)` with what the action, of output T, was recorded
  // to have said; only when it is Done and was not compensated before. The action that belongs to
  // it is that of the same key in the other direction. REQUIRES: request.key.direction ==
  // kCompensation. RETURNS:  as Action.
  template <typename T, typename Function>
  Verdict<Nothing> Compensation(const BarrierRequest& request, Function&& function) {
    return internal::ToVerdict<Nothing>(Run(BarrierVerb::kCompensation, request,
                                            internal::CompensationBody<Transaction, T>(function)));
  }
  template <typename T, typename Function>
  void CompensationThen(const BarrierRequest& request, Function&& function,
                        Callback<Nothing> done) {
    RunThen(BarrierVerb::kCompensation, request,
            internal::CompensationBody<Transaction, T>(function),
            internal::TypedDone<Nothing>(std::move(done)));
  }

  // What became of an action, settled for good: when it is not recorded, it is blocked first, so
  // that "no" stays true. REQUIRES: request.key.direction == kAction.
  template <typename T>
  Verdict<T> Reconcile(const BarrierRequest& request) {
    return internal::ToVerdict<T>(
        Run(BarrierVerb::kReconcile, request, internal::NoBody<Transaction>()));
  }
  template <typename T>
  void ReconcileThen(const BarrierRequest& request, Callback<T> done) {
    RunThen(BarrierVerb::kReconcile, request, internal::NoBody<Transaction>(),
            internal::TypedDone<T>(std::move(done)));
  }

  // Writes down the highest floors seen and drops the rows below them, now. Calls do this by
  // themselves each floor_step; useful before a backup or after a burst.
  // RETURNS: what the store says first; what is left is dropped next time.
  absl::Status Sweep();

 private:
  class Impl;
  explicit Barrier(std::unique_ptr<Impl> impl);

  BarrierReply Run(BarrierVerb verb, const BarrierRequest& request, internal::BarrierBody body);
  void RunThen(BarrierVerb verb, const BarrierRequest& request, internal::BarrierBody body,
               internal::BarrierDone done);

  std::unique_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
