// What every participant stands on: a database of its own, one writer, one barrier.
//
// And the few things that all of them do alike: read a row in a transaction, refuse an order for
// good, answer without holding a thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "order.h"
#include "rows.h"
#include "skald/async/completion.h"
#include "skald/async/task.h"
#include "skald/base/status.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier.h"
#include "skald/participant/lease.h"
#include "skald/saga/step_context.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace order_flow {

struct ParticipantOptions {
  // Its rows are written by the holder of its lease alone, whoever else has its store open. Opening
  // it takes the lease over.
  bool leased = false;
  std::string writer;  // among those that write there; empty: its name
};

class Participant {
 public:
  // Opens or makes the database `directory`/`name`.
  static absl::StatusOr<std::unique_ptr<Participant>> Open(const std::string& directory,
                                                           const std::string& name,
                                                           ParticipantOptions options = {});
  // Over a store that others may have open, too.
  static absl::StatusOr<std::unique_ptr<Participant>> Over(std::shared_ptr<skald::Store> store,
                                                           const std::string& name,
                                                           ParticipantOptions options);
  // Waits until everything that was asked for is durable, or cannot become so.
  ~Participant();

  skald::Store& store() { return *store_; }
  skald::Committer& committer() { return *committer_; }
  skald::Barrier& barrier() { return *barrier_; }

  // By its own clock; true where there is no lease.
  bool Holds() const { return lease_ == nullptr || lease_->Held(); }
  // Lets the transaction commit only while the lease is held. RETURNS: Aborted: it is not.
  absl::Status Guard(skald::Transaction& rows) const {
    return lease_ == nullptr ? absl::OkStatus() : lease_->Guard(rows);
  }

 private:
  Participant() = default;
  absl::Status TakeLease(const std::string& name);

  std::shared_ptr<skald::Store> store_;
  std::unique_ptr<skald::Committer> committer_;
  std::unique_ptr<skald::Lease> lease_;
  std::unique_ptr<skald::Barrier> barrier_;
};

// An order is asked for under its number and total; both are fixed for good.
inline skald::BarrierRequest RequestOf(const skald::StepContext& step, const Order& order) {
  return skald::BarrierRequest::Of(step, order.number, order.total);
}
inline skald::BarrierRequest RequestOf(const skald::StepContext& step, const Parcel& parcel) {
  return skald::BarrierRequest::Of(step, parcel.number, parcel.total);
}

// Reads one row in a transaction. RETURNS: nothing, when it is not there.
template <typename Row>
absl::StatusOr<std::optional<Row>> GetRow(skald::Transaction& rows, const std::string& key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(key));
  if (!value) return std::nullopt;
  SKALD_ASSIGN_OR_RETURN(Row row, DecodeRow<Row>(key, *value));
  return row;
}

// Refuses an order for good, and keeps the reason where the books are. For the barrier this is an
// answer like any other: it is recorded together with the row, and repeated for ever.
template <typename T>
Decision<T> Refuse(skald::Transaction& rows, std::string_view number, std::string reason) {
  rows.Put(KeyOf(kRefusedPrefix, number), reason);
  return {std::move(reason), T{}};
}

// What the saga is told of a decision. A refusal is on record: no attempt of it did or will happen.
template <typename T>
skald::Verdict<T> VerdictOf(skald::Verdict<Decision<T>> decision) {
  if (!decision.done()) return decision.not_done();
  if (!decision.output().refusal.empty()) {
    return skald::RejectedForKey(decision.output().refusal);
  }
  return std::move(decision).output().granted;
}

namespace internal {

template <typename T>
skald::Verdict<T> Answered(absl::StatusOr<skald::Verdict<T>> answer) {
  if (!answer.ok()) return skald::FromStatus(answer.status());
  return *std::move(answer);
}

// Somebody else holds the lease, or nobody: not now.
inline skald::NotDone NotHolder(const absl::Status& guarded) {
  return skald::RetryLater(std::string(guarded.message()));
}

// Whatever a participant's function gives.
template <typename T>
skald::Verdict<T> AsVerdict(skald::Verdict<T> verdict) {
  return verdict;
}
template <typename T>
skald::Verdict<T> AsVerdict(absl::StatusOr<T> result) {
  if (!result.ok()) return skald::FromStatus(result.status());
  return *std::move(result);
}
inline skald::Verdict<skald::Nothing> AsVerdict(const absl::Status& status) {
  if (!status.ok()) return skald::FromStatus(status);
  return skald::Nothing{};
}

// Hands a barrier's callback over to what waits for it.
template <typename T>
auto Forward(skald::Completion<skald::Verdict<T>> done) {
  return [done = std::move(done)](skald::Verdict<T> verdict) mutable { done(std::move(verdict)); };
}

}  // namespace internal

// The four ways in which a step calls a participant. `subject` is the order or the parcel that it
// is about; `function` gets the transaction and the subject. The thread is free while the answer
// becomes durable. What is passed by reference outlives the task.

// Runs `function` behind the barrier.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<T>> Act(Participant* participant, const skald::StepContext& step,
                                   const Subject& subject, Function function) {
  const skald::BarrierRequest request = RequestOf(step, subject);
  auto start = [&](skald::Completion<skald::Verdict<T>> done) {
    auto body = [&](skald::Transaction& rows) -> skald::Verdict<T> {
      const absl::Status ours = participant->Guard(rows);
      return ours.ok() ? internal::AsVerdict(function(rows, subject)) : internal::NotHolder(ours);
    };
    participant->barrier().ActionThen(request, body, internal::Forward<T>(std::move(done)));
  };
  auto waiting = skald::AwaitCompletion<skald::Verdict<T>>(start);
  co_return internal::Answered<T>(co_await waiting);
}

// The same for what may be refused: `function` gives a Decision<T>.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<T>> Decide(Participant* participant, const skald::StepContext& step,
                                      const Subject& subject, Function function) {
  auto deciding = Act<Decision<T>>(participant, step, subject, std::move(function));
  co_return VerdictOf(co_await std::move(deciding));
}

// Undoes an action that gave a T, which `function` gets too.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<skald::Nothing>> Undo(Participant* participant,
                                                 const skald::StepContext& step,
                                                 const Subject& subject, Function function) {
  using skald::Nothing;
  const skald::BarrierRequest request = RequestOf(step, subject);
  auto start = [&](skald::Completion<skald::Verdict<Nothing>> done) {
    auto body = [&](skald::Transaction& rows, const T& acted) -> skald::Verdict<Nothing> {
      const absl::Status ours = participant->Guard(rows);
      if (!ours.ok()) return internal::NotHolder(ours);
      return internal::AsVerdict(function(rows, subject, acted));
    };
    participant->barrier().template CompensationThen<T>(
        request, body, internal::Forward<Nothing>(std::move(done)));
  };
  auto waiting = skald::AwaitCompletion<skald::Verdict<Nothing>>(start);
  co_return internal::Answered<Nothing>(co_await waiting);
}

// What became of an action that may be refused and whose answer never came.
template <typename T, typename Subject>
skald::Task<skald::Verdict<T>> Ask(Participant* participant, const skald::StepContext& step,
                                   const Subject& subject) {
  using Decided = Decision<T>;
  const skald::BarrierRequest request = RequestOf(step, subject);
  auto start = [&](skald::Completion<skald::Verdict<Decided>> done) {
    participant->barrier().template ReconcileThen<Decided>(
        request, internal::Forward<Decided>(std::move(done)));
  };
  auto waiting = skald::AwaitCompletion<skald::Verdict<Decided>>(start);
  co_return VerdictOf(internal::Answered<Decided>(co_await waiting));
}

// What is done outside of a barrier. `done` is called once, with what became of it.
using RowsDone = absl::AnyInvocable<void(const absl::Status&) &&>;
void CommitRows(skald::Transaction rows, RowsDone done);

}  // namespace order_flow
