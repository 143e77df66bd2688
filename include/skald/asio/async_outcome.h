// AsyncOutcome: waits for a saga with any Asio completion token.
//
//   asio::awaitable<void> Place(skald::SagaHandle<Receipt> saga) {
//     absl::StatusOr<skald::Outcome<Receipt>> outcome =
//         co_await skald::AsyncOutcome(saga, asio::use_awaitable);
//     …
//   }
//   skald::AsyncOutcome(saga, [](absl::StatusOr<skald::Outcome<Receipt>> outcome) { … });
#pragma once

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/system_executor.hpp>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "skald/coordinator/outcome.h"
#include "skald/coordinator/saga_handle.h"

namespace skald::inline v1 {

// Completes on the handler's associated executor, never within this call and never on the
// coordinator's loop, with what SagaHandle::Await returns. Keeps that executor's context busy until
// then. There is no cancellation: a saga that nobody waits for goes on.
template <typename Result, typename Token>
auto AsyncOutcome(const SagaHandle<Result>& saga, Token&& token) {
  using OutcomeOr = typename SagaHandle<Result>::OutcomeOr;
  return asio::async_initiate<Token, void(OutcomeOr)>(
      [](auto handler, SagaHandle<Result> awaited) {
        auto executor = asio::get_associated_executor(handler, asio::system_executor());
        auto guard = asio::make_work_guard(executor);
        awaited.AwaitThen([handler = std::move(handler), executor,
                           guard = std::move(guard)](OutcomeOr outcome) mutable {
          asio::post(executor,
                     [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                       std::move(handler)(std::move(outcome));
                     });
          guard.reset();
        });
      },
      token, saga);
}

}  // namespace skald::inline v1
