// How steps call a participant: behind its barrier, under its lease, without holding a thread, and
// through its chaos where there is some.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "chaos.h"
#include "order.h"
#include "participant.h"
#include "skald/async/completion.h"
#include "skald/async/task.h"
#include "skald/base/codec.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier.h"
#include "skald/saga/step_context.h"
#include "skald/store/committer.h"

namespace order_flow {

// An order is asked for under its number and total; both are fixed for good.
inline skald::BarrierRequest RequestOf(const skald::StepContext& step, const Order& order) {
  return skald::BarrierRequest::Of(step, order.number, order.total);
}
inline skald::BarrierRequest RequestOf(const skald::StepContext& step, const Parcel& parcel) {
  return skald::BarrierRequest::Of(step, parcel.number, parcel.total);
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

inline uint32_t ItemOf(const Order&) {
  return 0;
}
inline uint32_t ItemOf(const Parcel& parcel) {
  return parcel.warehouse;
}

// Of Done: the output, as its codec writes it.
template <typename T>
std::optional<std::string> TextOf(const skald::Verdict<T>& verdict) {
  if (!verdict.done()) return std::nullopt;
  std::string text;
  const absl::Status encoded = skald::Encode(verdict.output(), &text);
  return encoded.ok() ? std::optional<std::string>(std::move(text)) : std::nullopt;
}

template <typename T, typename Subject, typename Make>
void CallThroughChaos(Chaos& chaos, const CallSite& site, const Subject& subject, const Make& make,
                      skald::Barrier::Callback<T> done) {
  const Havoc havoc = chaos.Draw(site);
  // A copy owns its subject: the saga that it is of may be gone when it arrives.
  Chaos::Copy copy;
  if (havoc.any()) {
    copy = [make, own = std::make_shared<const Subject>(subject)](Chaos::Told told) {
      make(*own, [told](skald::Verdict<T> verdict) { told(TextOf(verdict)); });
    };
  }
  if (havoc.held_back) {
    chaos.HoldBack(site, std::move(copy));
    return std::move(done)(skald::Unknown("no answer, on purpose: the call is held back"));
  }
  const auto answers = std::make_shared<CallAnswers>();
  if (havoc.at_once) chaos.MakeTwice(copy, answers);
  // (What `site` names is there until `done` is called.)
  make(subject, [&chaos, site, havoc, copy, answers,
                 done = std::move(done)](skald::Verdict<T> verdict) mutable {
    if (havoc.any()) answers->Add(TextOf(verdict));
    if (havoc.duplicated && !havoc.at_once) chaos.MakeTwice(copy, answers);
    if (havoc.late) chaos.MakeLater(copy, answers, havoc.soon);
    chaos.Answered(site);
    std::move(done)(std::move(verdict));
  });
}

template <typename T>
skald::Task<skald::Verdict<T>> Decided(skald::Task<skald::Verdict<Decision<T>>> decision) {
  co_return VerdictOf(co_await std::move(decision));
}

}  // namespace internal

// The ways in which a step calls a participant. `subject` is the order or the parcel that it is
// about; `function` gets the transaction and the subject. The thread is free while the answer
// becomes durable. What is passed by reference or pointer outlives the task.

// Makes the call `make(subject, callback)`, as often and in what order the participant's chaos
// wants. `make` is copied, and then called from other threads too.
template <typename T, typename Subject, typename Make>
skald::Task<skald::Verdict<T>> Call(Participant* participant, const skald::StepContext* step,
                                    CallVerb verb, const Subject* subject, Make make) {
  auto start = [&](skald::Completion<skald::Verdict<T>> done) {
    auto forward = internal::Forward<T>(std::move(done));
    if (participant->chaos() == nullptr) return make(*subject, std::move(forward));
    const CallSite site{.participant = participant->name(),
                        .order = subject->number,
                        .item = internal::ItemOf(*subject),
                        .step = step->step(),
                        .verb = verb,
                        .attempt = step->attempt()};
    internal::CallThroughChaos<T>(*participant->chaos(), site, *subject, make, std::move(forward));
  };
  auto waiting = skald::AwaitCompletion<skald::Verdict<T>>(start);
  co_return internal::Answered<T>(co_await waiting);
}

// Runs `function` behind the barrier.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<T>> Act(Participant* participant, const skald::StepContext& step,
                                   const Subject& subject, Function function) {
  const auto make = [participant, request = RequestOf(step, subject), function](
                        const Subject& of, skald::Barrier::Callback<T> done) {
    auto body = [&](skald::Transaction& rows) -> skald::Verdict<T> {
      const absl::Status ours = participant->Guard(rows);
      return ours.ok() ? internal::AsVerdict(function(rows, of)) : internal::NotHolder(ours);
    };
    participant->barrier().ActionThen(request, body, std::move(done));
  };
  return Call<T>(participant, &step, CallVerb::kAct, &subject, make);
}

// The same for what may be refused: `function` gives a Decision<T>.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<T>> Decide(Participant* participant, const skald::StepContext& step,
                                      const Subject& subject, Function function) {
  return internal::Decided<T>(Act<Decision<T>>(participant, step, subject, std::move(function)));
}

// Undoes an action that gave a T, which `function` gets too.
template <typename T, typename Subject, typename Function>
skald::Task<skald::Verdict<skald::Nothing>> Undo(Participant* participant,
                                                 const skald::StepContext& step,
                                                 const Subject& subject, Function function) {
  using skald::Nothing;
  const auto make = [participant, request = RequestOf(step, subject), function](
                        const Subject& of, skald::Barrier::Callback<Nothing> done) {
    auto body = [&](skald::Transaction& rows, const T& acted) -> skald::Verdict<Nothing> {
      const absl::Status ours = participant->Guard(rows);
      if (!ours.ok()) return internal::NotHolder(ours);
      return internal::AsVerdict(function(rows, of, acted));
    };
    participant->barrier().template CompensationThen<T>(request, body, std::move(done));
  };
  return Call<Nothing>(participant, &step, CallVerb::kUndo, &subject, make);
}

// What became of an action that may be refused and whose answer never came.
template <typename T, typename Subject>
skald::Task<skald::Verdict<T>> Ask(Participant* participant, const skald::StepContext& step,
                                   const Subject& subject) {
  using Decided = Decision<T>;
  const auto make = [participant, request = RequestOf(step, subject)](
                        const Subject&, skald::Barrier::Callback<Decided> done) {
    participant->barrier().template ReconcileThen<Decided>(request, std::move(done));
  };
  return internal::Decided<T>(Call<Decided>(participant, &step, CallVerb::kAsk, &subject, make));
}

}  // namespace order_flow
