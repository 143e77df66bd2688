// Stands in for a step's function in a test: remembers its calls, answers when the test says so,
// and fails the test when it was called and never completed, or never called at all.
//
//   StepDouble<Receipt> charge("charge", [](std::string_view why) { FAIL(why); });
//   auto definition = Define(kOrder).Pivot(Charge{}, charge.Action<Order>()).Build();
//   …
//   charge.Complete(Receipt{"r-1"});               // the oldest call that waits
//   CHECK(charge.calls().size() == 1);
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/async/completion.h"
#include "skald/async/task.h"
#include "skald/base/ids.h"
#include "skald/base/mutex.h"
#include "skald/base/verdict.h"
#include "skald/saga/step_context.h"

namespace skald::inline v1 {

// What a call of a step was told.
struct StepCallSeen {
  EffectKey key;
  std::string saga_key;
  uint32_t attempt = 0;
  bool may_be_repeated = false;
  bool with_output = false;  // compensations: the action's output was known
};

// THREADS: any. Outlives the coordinator whose definitions use it.
template <typename Output>
class StepDouble {
 public:
  using Answer = Verdict<Output>;

  // `fail` is called, at the latest by the destructor, with what is wrong.
  StepDouble(std::string name, std::function<void(std::string_view)> fail)
      : name_(std::move(name)), fail_(std::move(fail)) {}
  StepDouble(const StepDouble&) = delete;
  StepDouble& operator=(const StepDouble&) = delete;
  ~StepDouble() {
    std::deque<Completion<Answer>> left;
    bool idle = false;
    {
      MutexLock lock(mutex_);
      left.swap(waiting_);
      idle = calls_.empty() && !may_be_idle_;
    }
    if (!left.empty()) fail_("step '" + name_ + "' was called and never completed");
    if (idle) fail_("step '" + name_ + "' was never called");
  }

  // It is no mistake that nobody calls it.
  void MayBeIdle() {
    MutexLock lock(mutex_);
    may_be_idle_ = true;
  }
  // From now on every call is answered at once with this.
  void AnswerAlways(Answer answer) {
    MutexLock lock(mutex_);
    always_ = std::move(answer);
  }
  // Answers the oldest call that waits. RETURNS: false, and fails the test: none waits.
  bool Complete(Answer answer) {
    std::optional<Completion<Answer>> oldest;
    {
      MutexLock lock(mutex_);
      if (!waiting_.empty()) {
        oldest.emplace(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    if (!oldest) {
      fail_("step '" + name_ + "' is completed, and no call of it waits");
      return false;
    }
    (*oldest)(std::move(answer));
    return true;
  }

  std::vector<StepCallSeen> calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }
  size_t waiting() const {
    MutexLock lock(mutex_);
    return waiting_.size();
  }

  // What to give to Define: for an action (or Reconcile) that uses the outputs `Used`.
  template <typename Input, typename... Used>
  auto Action() {
    return [this](const StepContext& context, const Input&, const Used&...) -> Task<Answer> {
      return Called(Note(context, false));
    };
  }
  // For a compensation of a step with output `Undone`; a double of Output Nothing.
  template <typename Input, typename Undone>
  auto Compensation() {
    return [this](const StepContext& context, const Input&, const Undone* output) -> Task<Answer> {
      return Called(Note(context, output != nullptr));
    };
  }

 private:
  // RETURNS: the answer that is given at once, if there is one.
  std::optional<Answer> Note(const StepContext& context, bool with_output) {
    MutexLock lock(mutex_);
    calls_.push_back({context.idempotency_key(), std::string(context.key()), context.attempt(),
                      context.may_be_repeated(), with_output});
    return always_;
  }
  Task<Answer> Called(std::optional<Answer> at_once) {
    if (at_once) co_return *std::move(at_once);
    absl::StatusOr<Answer> answer =
        co_await AwaitCompletion<Answer>([this](Completion<Answer> done) {
          MutexLock lock(mutex_);
          waiting_.push_back(std::move(done));
        });
    if (answer.ok()) co_return *std::move(answer);
    co_return FromStatus(answer.status());
  }

  const std::string name_;
  const std::function<void(std::string_view)> fail_;
  mutable Mutex mutex_;
  std::vector<StepCallSeen> calls_ SKALD_GUARDED_BY(mutex_);
  std::deque<Completion<Answer>> waiting_ SKALD_GUARDED_BY(mutex_);
  std::optional<Answer> always_ SKALD_GUARDED_BY(mutex_);
  bool may_be_idle_ SKALD_GUARDED_BY(mutex_) = false;
};

}  // namespace skald::inline v1
