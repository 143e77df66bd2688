// The coordinator: starts sagas, drives them, brings them back after a crash, and answers for them.
//
// It keeps every promise in crash terms (docs/guarantees.md): what Start, Cancel or an operator's
// verb acknowledged survives a power loss; no step runs before what it depends on is durable; a
// saga that turned is compensated in reverse. One process owns a store's sagas at a time: who opens
// it later under the same writer name shuts the earlier one out.
//
//   skald::ThreadPool pool;
//   auto coordinator = skald::Coordinator::Open(store, pool, {PlaceOrder(shop)});
//   auto saga = (*coordinator)->Start(kPlaceOrder, order, {.key = order.id});
//   auto outcome = saga->Await();
//   if (outcome.ok() && outcome->completed()) Print(*outcome->result());
//
// What a definition's functions capture by reference must outlive the coordinator.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/async/executor.h"
#include "skald/base/export.h"
#include "skald/coordinator/internal/watch.h"
#include "skald/coordinator/options.h"
#include "skald/coordinator/saga_handle.h"
#include "skald/coordinator/saga_info.h"
#include "skald/saga/definition.h"
#include "skald/saga/journal.h"
#include "skald/saga/step_key.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

namespace internal {
struct VerbRequest;
}

template <typename Input>
struct StartRequest {
  Input input;
  StartOptions options;
};

// Called once, on the coordinator's loop, where it must not block; Unavailable when the coordinator
// goes away first: what was asked may have happened.
using VerbCallback = absl::AnyInvocable<void(const absl::Status&) &&>;

// THREADS: any, for every member. Blocking members must not be called from a step marked Inline,
// nor from a callback: those run on the coordinator's own loop.
class SKALD_EXPORT Coordinator {
 public:
  // Takes the store's sagas over: raises the epoch, reads the whole journal, and goes on with every
  // unfinished saga. Nothing is answered or resumed before all was read and checked; then those go
  // on first to which nothing has happened for longest, and at once the one that is asked about.
  // A saga whose definition is missing or has another graph is Stuck and says so; others go on.
  // RETURNS: InvalidArgument     a definition is wrong or given twice, a bound does not fit the
  // store
  //          FailedPrecondition  the wall clock leapt (see CoordinatorOptions::downtime_max)
  //          DataLoss            the journal does not decode; nothing was changed
  // COST: one scan of the journal, and another while sagas go on. Some 50 bytes a saga until then.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Open(Store& store, Executor& steps,
                                                           std::vector<Definition> definitions,
                                                           CoordinatorOptions options = {});
  // The same over a committer that participants of this process share. It must outlive the
  // coordinator, which does not shut it down.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Open(Committer& committer, Executor& steps,
                                                           std::vector<Definition> definitions,
                                                           CoordinatorOptions options = {});
  // Waits for a commit and the observer, not for steps; attempts that still run are forgotten and
  // count, at the next open, as "may have run". Call Shutdown first to let them finish.
  ~Coordinator();

  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Starts a saga, or finds the one that the key already has. Blocks until the start is durable.
  // RETURNS: AlreadyExists      the key was used with another input; the message says what differs
  //          InvalidArgument    key or input over their bounds; input does not encode
  //          FailedPrecondition the definition is not registered
  //          ResourceExhausted  a bound is reached; nothing was done
  //          Unavailable        shutting down or failed: it may have started; ask again, same key
  // COST: one commit shared with all that wait; for a known key at most one read.
  template <typename Key>
  absl::StatusOr<SagaHandle<typename Key::Result>> Start(const Key& key,
                                                         const typename Key::Input& input,
                                                         StartOptions options = {});

  // The same without blocking: `done` gets what Start would return, on the coordinator's loop.
  template <typename Key>
  void StartThen(
      const Key& key, const typename Key::Input& input, StartOptions options,
      absl::AnyInvocable<void(absl::StatusOr<SagaHandle<typename Key::Result>>) &&> done);

  // Many at once: all share as few commits as there can be. Answers in the order of the requests.
  template <typename Key>
  std::vector<absl::StatusOr<SagaHandle<typename Key::Result>>> StartMany(
      const Key& key, std::span<const StartRequest<typename Key::Input>> requests);

  // The saga of a business key. RETURNS: NotFound: never started, or expired.
  template <typename Key>
  absl::StatusOr<SagaHandle<typename Key::Result>> Find(const Key& key,
                                                        std::string_view business_key);

  // Tells the saga what one of its steps awaits (Builder::AwaitSignal). OK: it is durable, and
  // counts once however often it is sent under this deduplication key; that is remembered as long
  // as the saga is. RETURNS: Unavailable         too early: a decision or a pivot may still skip
  // the step, or the
  //                              saga is stuck: ask again, same deduplication key
  //          FailedPrecondition  never: the step has another signal, its time was up, the saga has
  //                              turned or ended without taking this one: act on it yourself
  //          InvalidArgument     no step awaits it, it is of another type, or over a bound
  //          NotFound            never started, or expired
  template <typename SignalKeyT>
  absl::Status Signal(SagaId id, const SignalKeyT& signal,
                      const typename SignalKeyT::Payload& payload, std::string dedup_key);
  template <typename SignalKeyT>
  void SignalThen(SagaId id, const SignalKeyT& signal, const typename SignalKeyT::Payload& payload,
                  std::string dedup_key, VerbCallback done);

  // Asks for the saga to be undone. OK: the wish is durable; it is obeyed unless a pivot is Done or
  // may have run. RETURNS: NotFound, FailedPrecondition (already terminal), Aborted.
  absl::Status Cancel(SagaId id, Operator by);
  // Stuck, or waiting between attempts: tries again now, with attempts counted anew. Also ends the
  // wait for an attempt that is beyond its deadline.
  absl::Status Retry(SagaId id, Operator by);
  // Declares what the blocked step has produced: it counts as Done. `item`: which of a fan-out's.
  template <typename StepKeyT>
  absl::Status SupplyOutput(SagaId id, const StepKeyT& step,
                            const typename StepKeyT::Output& output, Operator by,
                            uint32_t item = 0);
  // Declares that a pivot whose outcome is unknown did not happen: the saga turns.
  absl::Status MarkNotDone(SagaId id, std::string_view step, Operator by);
  // Gives a stuck saga up; nothing more is done for it.
  absl::Status Abandon(SagaId id, Operator by);

  // The same verbs for a host that may not block: `done` gets what the blocking form returns.
  void CancelThen(SagaId id, Operator by, VerbCallback done);
  void RetryThen(SagaId id, Operator by, VerbCallback done);
  template <typename StepKeyT>
  void SupplyOutputThen(SagaId id, const StepKeyT& step, const typename StepKeyT::Output& output,
                        Operator by, VerbCallback done, uint32_t item = 0);
  void MarkNotDoneThen(SagaId id, std::string_view step, Operator by, VerbCallback done);
  void AbandonThen(SagaId id, Operator by, VerbCallback done);

  // What is known of one saga. NotFound: never started, or expired.
  absl::StatusOr<SagaDetails> Show(SagaId id);
  // In-flight and stuck sagas, with `finished` also those kept; by id, at most filter.limit.
  // RETURNS: why the store could not be read. COST: right after an open, what is left of its work.
  absl::StatusOr<std::vector<SagaInfo>> List(const SagaFilter& filter = {});

  // Refuses new sagas, lets running attempts end, makes everything durable, stops.
  // RETURNS: DeadlineExceeded: attempts still run; they are left to themselves. Idempotent.
  // `timeout` is for attempts; a commit or a call of the observer that is under way is waited for.
  absl::Status Shutdown(absl::Duration timeout);

  // Only without own threads, from one thread at a time. PollOnce does what can be done now and
  // tells whether it did anything; RunUntilIdle repeats it. NextTimer: engine time of the next
  // timer.
  bool PollOnce();
  void RunUntilIdle();
  absl::Time NextTimer() const;

  struct Stats {
    uint64_t started = 0, completed = 0, compensated = 0, stuck = 0, abandoned = 0;
    uint64_t in_flight = 0, resumed = 0, attempts = 0, commits = 0, journal_bytes = 0;
    uint64_t late_verdicts = 0;
    uint64_t asleep = 0;  // not in memory, and not counted as in flight
    uint64_t woken = 0;
  };
  Stats stats() const;
  // OK while it works; otherwise why it stopped.
  absl::Status health() const;

 private:
  class Impl;
  explicit Coordinator(std::shared_ptr<Impl> impl);

  struct EncodedStart {
    absl::StatusOr<std::string> input;
    StartOptions options;
  };
  void StartEncoded(std::string_view definition, uint32_t version, internal::EncodeRef input,
                    StartOptions options, internal::StartedCallback done);
  std::vector<absl::StatusOr<internal::Started>> StartBlocking(std::string_view definition,
                                                               uint32_t version,
                                                               std::vector<EncodedStart> starts);
  absl::StatusOr<internal::Started> FindBlocking(std::string_view definition, std::string_view key);
  void SupplyEncoded(SagaId id, std::string_view step, uint32_t item,
                     absl::StatusOr<std::string> output, Operator by, VerbCallback done);
  void SignalEncoded(SagaId id, std::string_view name, std::string_view schema_name,
                     uint32_t schema_version, absl::StatusOr<std::string> payload,
                     std::string dedup_key, VerbCallback done);
  void DoVerb(SagaId id, internal::VerbRequest request, VerbCallback done);
  absl::Status Blocking(absl::FunctionRef<void(VerbCallback)> ask);

  std::shared_ptr<Impl> impl_;
};

}  // namespace skald::inline v1

#include "skald/coordinator/internal/coordinator_inl.h"
