// From a user's function to a StepFunction: calls it with typed arguments, turns what it says into
// an AttemptResult, and lets no exception out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "skald/async/start_task.h"
#include "skald/async/task.h"
#include "skald/async/task_result.h"
#include "skald/base/check.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/entries.h"
#include "skald/saga/internal/function_rules.h"
#include "skald/saga/internal/say.h"
#include "skald/saga/step_completion.h"

namespace skald::inline v1::internal {

template <size_t kCount>
struct UsedSteps {
  std::array<uint16_t, kCount> index;
};

// RETURNS: kComplete when the task ended within this call; otherwise the call is ended
// with it.
template <typename T, typename R>
CallState FinishLater(Task<R> task, Call& call) {
  StartTask(std::move(task), [&call](TaskResult<R> ended) {
    if (!ended.has_value()) {
      SayException(call.result, ended.exception());
    } else if constexpr (std::is_void_v<R>) {
      SayDone<T>(call.result, T{});
    } else {
      Say<T>(call.result, ended.value());
    }
    call.End();  // or the caller sees it when StartTask returns
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
      SayDone<T>(call.result, T{});
    } else {
      Say<T>(call.result, runner.Invoke(call));
    }
#if defined(__cpp_exceptions)
  } catch (...) {
    SayException(call.result);
  }
#endif
  return CallState::kComplete;
}

// Makes a call that ends when a completion is called. `invoke` gives it to the user's function.
template <typename T, typename Invoke>
CallState RunWithCompletion(Call& call, Invoke invoke) {
  std::optional<StepCompletion<T>> done(std::in_place, CompletionHold(call));
#if defined(__cpp_exceptions)
  try {
#endif
    invoke(*done);
#if defined(__cpp_exceptions)
  } catch (...) {
    call.EndWithException();
  }
#endif
  done.reset();  // unsaid and dropped already: said now
  return call.MeetSecond() ? CallState::kComplete : CallState::kPending;
}

// How a function is given a used output: Gs is its type, or a pointer to it where there may be
// none.
template <typename G>
decltype(auto) GiveUsed(const Call& call, uint16_t step) {
  const void* output = call.Output(step);
  if constexpr (std::is_pointer_v<G>) {
    return static_cast<G>(output);
  } else {
    SKALD_DCHECK(output != nullptr, "step {} runs without the output of step {}",
                 call.context.step(), step);
    return *static_cast<const G*>(output);
  }
}

// Calls a step's function: what all of them are given, then `rest`.
template <typename Input, typename Item, typename F, typename... Rest>
decltype(auto) CallStep(const F& function, const Call& call, const Rest&... rest) {
  const auto& input = *static_cast<const Input*>(call.input);
  if constexpr (std::is_void_v<Item>) {
    return function(call.context, input, rest...);
  } else {
    return function(call.context, input, *static_cast<const Item*>(call.item), rest...);
  }
}

// Actions and Reconcile: (context, input, [item,] used outputs…). Item is void without ForEach.
template <typename Input, typename Item, typename T, typename F, typename... Gs>
struct ActionRunner {
  [[no_unique_address]] F function;
  [[no_unique_address]] UsedSteps<sizeof...(Gs)> used;

  CallState operator()(Call& call) const {
    using Es = Join<typename HeadOf<Input, Item>::Type, TypeList<Gs...>>;
    if constexpr (kTakesCompletion<F, Es, T>) {
      return RunWithCompletion<T>(call, [&](StepCompletion<T> done) { Invoke(call, done); });
    } else {
      return RunAttempt<T>(*this, call);
    }
  }

  template <typename... Done>
  decltype(auto) Invoke(const Call& call, const Done&... done) const {
    return Invoke(call, std::index_sequence_for<Gs...>(), done...);
  }
  template <size_t... kIs, typename... Done>
  decltype(auto) Invoke(const Call& call, std::index_sequence<kIs...> /*all*/,
                        const Done&... done) const {
    return CallStep<Input, Item>(function, call, GiveUsed<Gs>(call, used.index[kIs])..., done...);
  }
};

// Compensations: (context, input, [item,] own output or null, used outputs…).
template <typename Input, typename Item, typename T, typename F, typename... Gs>
struct CompensationRunner {
  [[no_unique_address]] F function;
  [[no_unique_address]] UsedSteps<sizeof...(Gs)> used;

  CallState operator()(Call& call) const {
    using Own = ShortUndo<typename HeadOf<Input, Item>::Type, T>;
    if constexpr (kTakesCompletion<F, Join<Own, TypeList<GivenPointer<Gs>...>>, Nothing>) {
      return RunWithCompletion<Nothing>(call,
                                        [&](StepCompletion<Nothing> done) { Invoke(call, done); });
    } else {
      return RunAttempt<Nothing>(*this, call);
    }
  }

  template <typename... Done>
  decltype(auto) Invoke(const Call& call, const Done&... done) const {
    return Invoke(call, std::index_sequence_for<Gs...>(), done...);
  }
  template <size_t... kIs, typename... Done>
  decltype(auto) Invoke(const Call& call, std::index_sequence<kIs...> /*all*/,
                        const Done&... done) const {
    return CallStep<Input, Item>(function, call, static_cast<const T*>(call.own_output),
                                 static_cast<GivenPointer<Gs>>(call.Output(used.index[kIs]))...,
                                 done...);
  }
};

// Calls a pure function of (input, used outputs…), which must not throw out of here.
template <typename Input, typename F, typename... Gs>
struct PureRunner {
  [[no_unique_address]] F function;
  [[no_unique_address]] UsedSteps<sizeof...(Gs)> used;

  auto Get(const Call& call) const { return Get(call, std::index_sequence_for<Gs...>()); }
  template <size_t... kIs>
  auto Get(const Call& call, std::index_sequence<kIs...> /*all*/) const {
    return function(*static_cast<const Input*>(call.input), GiveUsed<Gs>(call, used.index[kIs])...);
  }
};

// Runs `body`, which writes call.result; an exception is a rejection: nothing has an effect here.
template <typename Body>
CallState RunPure(Call& call, Body body) {
#if defined(__cpp_exceptions)
  try {
#endif
    body();
#if defined(__cpp_exceptions)
  } catch (...) {
    SayException(call.result);
    call.result.kind = VerdictKind::kRejected;
  }
#endif
  return CallState::kComplete;
}

// A decision: gives a bool.
template <typename Input, typename F, typename... Gs>
struct DecisionRunner : PureRunner<Input, F, Gs...> {
  CallState operator()(Call& call) const {
    return RunPure(call, [&] { SayDone<bool>(call.result, this->Get(call)); });
  }
};

// Gives the input, a T, of a part of the saga.
template <typename T, typename Input, typename F, typename... Gs>
struct InputRunner : PureRunner<Input, F, Gs...> {
  CallState operator()(Call& call) const {
    return RunPure(call, [&] { SayDone<T>(call.result, this->Get(call)); });
  }
};

// A range: gives its items, encoded as a vector of them.
template <typename Input, typename F, typename... Gs>
struct RangeRunner : PureRunner<Input, F, Gs...> {
  CallState operator()(Call& call) const {
    return RunPure(call, [&] {
      const auto items = this->Get(call);
      if (items.size() > kFanOutMax) return SayNotDone(call.result, TooManyItems(items.size()));
      SayDone<std::decay_t<decltype(items)>>(call.result, items);
    });
  }
};

// When a sleep ends: gives microseconds, since 1970 or of a duration (StepNode::sleeps_until).
template <typename Input, typename F, typename... Gs>
struct SleepRunner : PureRunner<Input, F, Gs...> {
  CallState operator()(Call& call) const {
    return RunPure(call, [&] {
      const auto ends = this->Get(call);
      if constexpr (std::is_same_v<std::decay_t<decltype(ends)>, absl::Time>) {
        SayDone<int64_t>(call.result, absl::ToUnixMicros(ends));
      } else {
        SayDone<int64_t>(call.result, absl::ToInt64Microseconds(ends));
      }
    });
  }
};

}  // namespace skald::inline v1::internal
