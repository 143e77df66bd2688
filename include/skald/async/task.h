// Task<T>: a coroutine that gives a T. It is lazy (nothing runs until it is awaited or started),
// move-only, and awaited once.
//
//   Task<Receipt> Charge(const Order& order) {
//     Quote quote = co_await Price(order);           // a Task<Quote>
//     co_return Receipt{quote.total};
//   }
//   StartTask(Charge(order), [](TaskResult<Receipt> result) { … });     // async/start_task.h
//
// A task runs on the thread that starts it, and after a wait on the thread that completes what it
// waited for. An exception leaves the coroutine through co_await, or as a TaskResult. Awaiting
// costs no stack: a million completions in a row are as good as one.
//
// Lifetime: references among its parameters must outlive it. A task that was never awaited is
// simply destroyed; one that runs is owned by what awaits it. Beware of gcc 12: a braced aggregate
// written within a co_await expression, `co_await f({.a = x})`, is destroyed twice. Name it first.
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "skald/async/internal/trampoline.h"
#include "skald/async/task_result.h"
#include "skald/base/check.h"

namespace skald::inline v1 {

template <typename T>
class Task;

namespace internal {

class TaskPromiseBase {
 public:
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      // The frame may be gone once this returns.
      TaskPromiseBase& promise = done.promise();
      promise.resumption_.handle = promise.continuation_;
      Resume(promise.resumption_);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }

  // Runs the coroutine; `continuation` is resumed at its end.
  void Start(std::coroutine_handle<> self, std::coroutine_handle<> continuation) noexcept {
    continuation_ = continuation;
    resumption_.handle = self;
    Resume(resumption_);
  }

 private:
  std::coroutine_handle<> continuation_;
  Resumption resumption_;
};

template <typename T>
class TaskPromise final : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <typename U>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& value) {
    result_.SetValue(std::forward<U>(value));
  }
  void unhandled_exception() noexcept { result_.SetException(std::current_exception()); }
  TaskResult<T>& result() { return result_; }

 private:
  TaskResult<T> result_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() { result_.SetValue(); }
  void unhandled_exception() noexcept { result_.SetException(std::current_exception()); }
  TaskResult<void>& result() { return result_; }

 private:
  TaskResult<void> result_;
};

// Owns the frame while it is awaited. kCatch: gives a TaskResult instead of throwing.
template <typename T, bool kCatch>
class TaskAwaiter {
 public:
  explicit TaskAwaiter(Task<T> task) noexcept : task_(std::move(task)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    // `this` may be gone once this returns.
    task_.handle_.promise().Start(task_.handle_, waiting);
  }
  auto await_resume() {
    if constexpr (kCatch) {
      return std::move(task_.handle_.promise().result());
    } else {
      return std::move(task_.handle_.promise().result()).Take();
    }
  }

 private:
  Task<T> task_;
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>,
                "skald: a Task gives a value; for a reference give a pointer");

 public:
  using promise_type = internal::TaskPromise<T>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task(std::move(other)).Swap(*this);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // REQUIRES: neither awaited, started nor moved from before.
  auto operator co_await() && noexcept { return Await<false>(); }
  // Awaits without throwing: co_await std::move(task).Caught() gives a TaskResult<T>.
  auto Caught() && noexcept { return Await<true>(); }

 private:
  friend promise_type;
  template <typename U, bool kCatch>
  friend class internal::TaskAwaiter;

  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void Swap(Task& other) noexcept { std::swap(handle_, other.handle_); }
  template <bool kCatch>
  auto Await() noexcept {
    SKALD_CHECK(handle_, "this Task was awaited, started or moved from before");
    return internal::TaskAwaiter<T, kCatch>(std::move(*this));
  }

  std::coroutine_handle<promise_type> handle_;
};

template <typename T>
Task<T> internal::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> internal::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace skald::inline v1
