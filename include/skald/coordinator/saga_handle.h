// A hold on one saga: wait for it by blocking, by callback or with co_await.
//
// Cheap to copy. It may outlive the coordinator; it then says Unavailable, and the saga itself goes
// on at the next open.
//
//   absl::StatusOr<skald::Outcome<Receipt>> outcome = saga.Await();
//   saga.AwaitThen([](absl::StatusOr<skald::Outcome<Receipt>> outcome) { … });
//   auto outcome = co_await saga;
#pragma once

#include <atomic>
#include <coroutine>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/codec.h"
#include "skald/base/verdict.h"
#include "skald/coordinator/internal/watch.h"
#include "skald/coordinator/outcome.h"

namespace skald::inline v1 {

template <typename Result>
class SagaHandle {
 public:
  using OutcomeOr = absl::StatusOr<Outcome<Result>>;

  explicit SagaHandle(internal::Started started)
      : watch_(std::move(started.watch)), existed_(started.existed) {}

  SagaId id() const { return watch_->id(); }
  // The business key, also when it was generated.
  const std::string& key() const { return watch_->key(); }
  // Whether the key had this saga before.
  bool existed() const { return existed_; }

  // Blocks until the saga is terminal or stuck.
  // RETURNS: DeadlineExceeded: it goes on. Unavailable: the coordinator is gone; the saga is not.
  OutcomeOr Await(absl::Duration timeout = absl::InfiniteDuration()) const {
    return Decode(watch_->Wait(timeout));
  }

  // `done` runs once: at once in this call when the saga is at rest already, otherwise on the
  // coordinator's loop, where it must not block.
  void AwaitThen(absl::AnyInvocable<void(OutcomeOr) &&> done) const {
    watch_->Then([watch = watch_, done = std::move(done)](
                     const absl::StatusOr<internal::Settled>& settled) mutable {
      std::move(done)(SagaHandle({watch, false}).Decode(settled));
    });
  }

  // Resumes where AwaitThen's callback would run.
  auto operator co_await() const {
    class Awaiter {
     public:
      explicit Awaiter(SagaHandle handle) : handle_(std::move(handle)) {}
      bool await_ready() const noexcept { return false; }
      // False when the answer came within the call: then nothing is suspended and no stack grows.
      bool await_suspend(std::coroutine_handle<> caller) {
        handle_.AwaitThen([this, caller](OutcomeOr outcome) {
          outcome_.emplace(std::move(outcome));
          if (met_.exchange(true, std::memory_order_acq_rel)) caller.resume();
        });
        return !met_.exchange(true, std::memory_order_acq_rel);
      }
      OutcomeOr await_resume() { return *std::move(outcome_); }

     private:
      SagaHandle handle_;
      std::optional<OutcomeOr> outcome_;
      std::atomic<bool> met_{false};
    };
    return Awaiter(*this);
  }

 private:
  OutcomeOr Decode(const absl::StatusOr<internal::Settled>& settled) const {
    if (!settled.ok()) return settled.status();
    std::optional<Result> result;
    if (settled->state == SagaState::kCompleted) {
      if constexpr (std::is_same_v<Result, Nothing>) {
        result.emplace();
      } else if (settled->result) {
        absl::StatusOr<Result> decoded = Codec<Result>::Decode(*settled->result);
        if (!decoded.ok()) return decoded.status();
        result.emplace(*std::move(decoded));
      }
    }
    return Outcome<Result>(watch_->id(), settled->state, settled->reason, settled->step,
                           std::move(result));
  }

  internal::WatchPtr watch_;
  bool existed_;
};

}  // namespace skald::inline v1
