// Where work runs. A host hands the coordinator one of these for its step functions.
//
// Implementations: ThreadPool (async/thread_pool.h), ManualExecutor (async/manual_executor.h) for
// tests and hosts with a loop of their own, ForwardingExecutor below for wrappers.
#pragma once

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

using Work = absl::AnyInvocable<void() &&>;

// THREADS: any.
class SKALD_EXPORT Executor {
 public:
  virtual ~Executor() = default;

  // Runs `work` once, later, on a thread of the executor; never within this call.
  // RETURNS: OK                 `work` is taken and will run
  //          ResourceExhausted  the queue is full; `work` is untouched and may be offered again
  //          Unavailable        the executor is shut down; `work` is untouched
  virtual absl::Status Execute(Work&& work) = 0;
};

// Hands everything on; derive from it to count, delay or refuse. `inner` outlives it.
class SKALD_EXPORT ForwardingExecutor : public Executor {
 public:
  explicit ForwardingExecutor(Executor& inner) : inner_(inner) {}
  absl::Status Execute(Work&& work) override { return inner_.Execute(std::move(work)); }

 protected:
  Executor& inner() { return inner_; }

 private:
  Executor& inner_;
};

}  // namespace skald::inline v1
