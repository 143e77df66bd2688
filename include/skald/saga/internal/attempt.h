// From a user's function to a StepFunction: calls it with typed arguments, turns what it says into
// an AttemptResult, and lets no exception out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "skald/async/start_task.h"
#include "skald/async/task.h"
#include "skald/async/task_result.h"
#include "skald/base/check.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/say.h"

namespace skald::inline v1::internal {

template <size_t kCount>
struct UsedSteps {
  std::array<uint16_t, kCount> index;
};

// RETURNS: kComplete when the task ended within this call; otherwise call.done is called at its
// end.
template <typename T, typename R>
CallState FinishLater(Task<R> task, Call& call) {
  StartTask(std::move(task), [&call](TaskResult<R> ended) {
    if (!ended.has_value()) {
      SayException(*call.result, ended.exception());
    } else if constexpr (std::is_void_v<R>) {
      SayDone<T>(*call.result, T{});
    } else {
      Say<T>(*call.result, ended.value());
    }
    if (!call.MeetSecond()) return;    // the caller sees it when StartTask returns
    auto done = std::move(call.done);  // which may end the life of `call`
    std::move(done)();
  });
  return call.MeetSecond() ? CallState::kComplete : CallState::kPending;
}

// Makes the call and finishes it, or leaves it to a task that finishes it later.
template <typename T, typename Runner>
CallState RunAttempt(const Runner& runner, Call& call) {
  using R = std::remove_cvref_t<decltype(runner.Invoke(call))>;
#if defined(__cpp_exceptions)
  try {
#endif
    if constexpr (kIsTask<R>) {
      return FinishLater<T>(runner.Invoke(call), call);
    } else if constexpr (std::is_void_v<R>) {
      runner.Invoke(call);
      SayDone<T>(*call.result, T{});
    } else {
      Say<T>(*call.result, runner.Invoke(call));
    }
#if defined(__cpp_exceptions)
  } catch (...) {
    SayException(*call.result);
  }
#endif
  return CallState::kComplete;
}

// Actions and Reconcile: (context, input, used outputs…).
template <typename Input, typename T, typename F, typename... Used>
struct ActionRunner {
  [[no_unique_address]] F function;
  [[no_unique_address]] UsedSteps<sizeof...(Used)> used;

  CallState operator()(Call& call) const { return RunAttempt<T>(*this, call); }

  decltype(auto) Invoke(const Call& call) const {
    return Invoke(call, std::index_sequence_for<Used...>());
  }
  template <size_t... kIs>
  decltype(auto) Invoke(const Call& call, std::index_sequence<kIs...> /*all*/) const {
    return function(*call.context, *static_cast<const Input*>(call.input),
                    Given<Used>(call, used.index[kIs])...);
  }
  template <typename Output>
  static const Output& Given(const Call& call, uint16_t step) {
    const void* output = call.outputs[step];
    SKALD_DCHECK(output != nullptr, "step {} runs without the output of step {}",
                 call.context->step(), step);
    return *static_cast<const Output*>(output);
  }
};

// Compensations: (context, input, own output or null, used outputs…).
template <typename Input, typename T, typename F, typename... Used>
struct CompensationRunner {
  [[no_unique_address]] F function;
  [[no_unique_address]] UsedSteps<sizeof...(Used)> used;

  CallState operator()(Call& call) const { return RunAttempt<Nothing>(*this, call); }

  decltype(auto) Invoke(const Call& call) const {
    return Invoke(call, std::index_sequence_for<Used...>());
  }
  template <size_t... kIs>
  decltype(auto) Invoke(const Call& call, std::index_sequence<kIs...> /*all*/) const {
    return function(*call.context, *static_cast<const Input*>(call.input),
                    static_cast<const T*>(call.own_output),
                    static_cast<const Used*>(call.outputs[used.index[kIs]])...);
  }
};

}  // namespace skald::inline v1::internal
