// Completion<T>: the one answer that something with a callback owes, and the way to await it.
//
//   Task<Reply> Call(Client& client) {
//     absl::StatusOr<Reply> reply = co_await AwaitCompletion<Reply>(
//         [&](Completion<Reply> done) { client.Send(std::move(done)); });
//     …
//   }
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/async/internal/trampoline.h"
#include "skald/base/check.h"

namespace skald::inline v1 {

// Move-only; called at most once. One that is destroyed uncalled answers Unknown("…dropped…"), so
// that a lost callback is an error and not a wait for ever.
// THREADS: any one; the callback runs within the call.
template <typename T>
class Completion {
 public:
  using Callback = absl::AnyInvocable<void(absl::StatusOr<T>) &&>;

  explicit Completion(Callback callback) : callback_(std::move(callback)) {}
  Completion(Completion&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
  Completion& operator=(Completion&& other) noexcept {
    if (this != &other) {
      Drop();
      callback_ = std::exchange(other.callback_, nullptr);
    }
    return *this;
  }
  ~Completion() { Drop(); }

  // REQUIRES: not called before, not moved from.
  void operator()(absl::StatusOr<T> answer) {
    SKALD_CHECK(callback_ != nullptr, "a Completion was called twice or after a move");
    std::exchange(callback_, nullptr)(std::move(answer));
  }

 private:
  void Drop() {
    if (callback_ == nullptr) return;
    (*this)(absl::UnknownError("the completion was dropped without an answer"));
  }

  Callback callback_;
};

namespace internal {

template <typename T, typename Start>
class CompletionAwaiter {
 public:
  explicit CompletionAwaiter(Start start) : start_(std::move(start)) {}

  bool await_ready() const noexcept { return false; }
  // RETURNS: false when the answer came within the call: no need to suspend.
  bool await_suspend(std::coroutine_handle<> waiting) {
    resumption_.handle = waiting;
    try {
      std::move(start_)(Completion<T>([this](absl::StatusOr<T> answer) {
        answer_.emplace(std::move(answer));
        if (arrived_.exchange(true, std::memory_order_acq_rel)) Resume(resumption_);
      }));
    } catch (...) {
      // The completion may have been handed on before: its answer, or its drop, is still awaited.
      error_ = std::current_exception();
    }
    // Whoever comes second goes on with the coroutine. After losing, `this` may be gone.
    return !arrived_.exchange(true, std::memory_order_acq_rel);
  }
  absl::StatusOr<T> await_resume() {
    if (error_) std::rethrow_exception(error_);
    return *std::move(answer_);
  }

 private:
  Start start_;
  Resumption resumption_;
  std::optional<absl::StatusOr<T>> answer_;
  std::exception_ptr error_;
  std::atomic<bool> arrived_{false};
};

}  // namespace internal

// Awaitable: calls start(Completion<T>) and waits for the answer. What `start` throws comes out of
// the co_await, once the completion has been answered or dropped. The coroutine goes on where the
// completion is called: within that call, or, when a coroutine runs on that thread, as soon as it
// suspends; or at once when it was called within `start`.
template <typename T, typename Start>
  requires std::is_invocable_v<Start&&, Completion<T>>
auto AwaitCompletion(Start start) {
  return internal::CompletionAwaiter<T, Start>(std::move(start));
}

}  // namespace skald::inline v1
