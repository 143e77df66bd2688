// AsioExecutor: step functions run where an Asio executor runs them: an io_context that the host
// drives, a thread_pool, a strand.
//
//   asio::io_context io;
//   skald::AsioExecutor steps(io.get_executor());
//   auto coordinator = skald::Coordinator::Open(*store, steps, {PlaceOrder(shop)});
//
// A step that blocks holds a thread of that executor; a coroutine does not. Wants RTTI, as Asio
// itself does.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "skald/async/executor.h"

namespace skald::inline v1 {

struct AsioExecutorOptions {
  // Work that was taken and has not begun; more is refused, and waits in the coordinator.
  size_t queue_capacity = 4096;
};

// What `executor` belongs to must outlive whoever holds this one. When it is destroyed with work in
// it, that work is dropped, and its steps count as ones that may have happened.
// THREADS: any.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(asio::any_io_executor executor, AsioExecutorOptions options = {})
      : executor_(std::move(executor)), capacity_(options.queue_capacity) {}

  absl::Status Execute(Work&& work) override {
    if (waiting_->fetch_add(1, std::memory_order_relaxed) >= capacity_) {
      waiting_->fetch_sub(1, std::memory_order_relaxed);
      return absl::ResourceExhaustedError(
          "executing work: the queue in front of the Asio executor is full");
    }
    asio::post(executor_, [place = Place(waiting_), work = std::move(work)]() mutable {
      place.Leave();
      std::move(work)();
    });
    return absl::OkStatus();
  }

 private:
  using Count = std::shared_ptr<std::atomic<size_t>>;

  // A place in the queue, left when the work begins, or is dropped.
  class Place {
   public:
    explicit Place(Count count) : count_(std::move(count)) {}
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place() { Leave(); }
    void Leave() {
      if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
      count_.reset();
    }

   private:
    Count count_;
  };

  asio::any_io_executor executor_;
  const size_t capacity_;
  Count waiting_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace skald::inline v1
