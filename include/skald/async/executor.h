// Where work runs. A host hands the coordinator one of these for its step functions.
#pragma once

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

}  // namespace skald::inline v1
