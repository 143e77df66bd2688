// From ordinary code into a task: StartTask with a callback, SyncWait by blocking.
//
//   StartTask(Charge(order), [this](TaskResult<Receipt> result) { Settle(std::move(result)); });
//   Receipt receipt = SyncWait(Charge(order));
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "skald/async/internal/trampoline.h"
#include "skald/async/task.h"
#include "skald/async/task_result.h"
#include "skald/base/mutex.h"

namespace skald::inline v1 {

namespace internal {

// A coroutine that owns itself.
struct Driver {
  struct promise_type {
    Driver get_return_object() noexcept {
      return Driver(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    Resumption resumption;
  };

  explicit Driver(std::coroutine_handle<promise_type> driver) noexcept : handle(driver) {}
  void Start() const noexcept {
    handle.promise().resumption.handle = handle;
    Resume(handle.promise().resumption);
  }
  std::coroutine_handle<promise_type> handle;
};

template <typename T, typename Done>
Driver Drive(Task<T> task, Done done) {
  TaskResult<T> result = co_await std::move(task).Caught();
  std::move(done)(std::move(result));
}

}  // namespace internal

// Runs `task` to its end, then calls done(TaskResult<T>), once. The task's frame, with its
// parameters and all that they hold, is gone before that. `done` must not throw. THREADS: the task
// runs at once, on this thread, up to its first wait; inside a coroutine it runs
//          when that suspends. `done` runs where the task ends, perhaps within this call.
// COST:    two allocations: the task's frame and one that carries `done`.
template <typename T, typename Done>
  requires std::is_invocable_v<Done&&, TaskResult<T>>
void StartTask(Task<T> task, Done done) {
  internal::Drive(std::move(task), std::move(done)).Start();
}

// Blocks until `task` ends. RETURNS: its value; throws on what it threw.
// Not for a thread that the task needs in order to go on: a loop, or the last thread of a pool.
template <typename T>
T SyncWait(Task<T> task) {
  Mutex mutex;
  CondVar ended;
  bool done = false;  // guarded by mutex
  TaskResult<T> result;
  internal::NestedTrampoline trampoline;
  StartTask(std::move(task), [&](TaskResult<T> ending) {
    MutexLock lock(mutex);
    result = std::move(ending);
    done = true;
    ended.NotifyOne();  // under the lock: the waiter's frame goes away when it sees `done`
  });
  trampoline.Drain();
  {
    MutexLock lock(mutex);
    while (!done) ended.Wait(mutex);  // NOLINT(bugprone-infinite-loop): the callback ends it
  }
  return std::move(result).Take();
}

}  // namespace skald::inline v1
