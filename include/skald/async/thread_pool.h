// A bounded pool of threads: the executor that most hosts use.
//
//   ThreadPool pool({.threads = 16, .name = "orders"});
//   auto coordinator = Coordinator::Open(store, pool, {…});
//   …
//   absl::Status drained = pool.Shutdown(Deadline::In(Clock::Real(), absl::Seconds(10)));
//
// Work starts in the order in which it was taken, each on one thread; one that blocks holds up one
// thread and nothing else, so choose `threads` by how many step functions block at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "skald/async/deadline.h"
#include "skald/async/executor.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

struct ThreadPoolOptions {
  // 0: one for each processor, but two at least. Raise it for step functions that block.
  size_t threads = 0;
  // Work that waits for a thread; 40 bytes each, allocated as it fills. More gets
  // ResourceExhausted. The default is what a busy coordinator has in flight.
  size_t queue_capacity = 65'536;
  // Of the threads, as ps and debuggers show it; the first 15 bytes count.
  std::string name = "skald-pool";
  // Measures the deadline of Shutdown. Outlives the pool.
  const Clock* clock = &Clock::Real();
};

// THREADS: any.
class SKALD_EXPORT ThreadPool final : public Executor {
 public:
  ThreadPool() : ThreadPool(ThreadPoolOptions{}) {}
  // Starts the threads; fewer where the system gives no more: see thread_count().
  explicit ThreadPool(ThreadPoolOptions options);
  // Shutdown without a deadline: runs what was taken, joins.
  // REQUIRES: not on a thread of the pool.
  ~ThreadPool() override;

  // As Executor says; Unavailable also when no thread could be started. Work must not throw.
  // COST: no allocation once the queue has grown; a system call only where a thread sleeps and none
  //       is about to wake.
  absl::Status Execute(Work&& work) override;

  // Takes no more work, runs what was taken, joins the threads. Idempotent.
  // RETURNS: OK                  all of it ran
  //          DeadlineExceeded    some still waits or runs; it goes on, call again
  //          FailedPrecondition  called on a thread of the pool, which cannot wait for itself
  absl::Status Shutdown(Deadline deadline);

  size_t thread_count() const;
  // Work that waits for a thread, at this moment.
  size_t queued() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
