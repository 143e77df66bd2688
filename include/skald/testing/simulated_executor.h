// An executor for simulations: work runs when it is told to, in an order that chance decides, and
// may be refused as by a full queue.
//
//   SimulatedExecutor executor;
//   executor.SetRefusals([&] { return random.Chance(0.05); });
//   scheduler.AddActor("executor", [&] { return executor.RunOne(scheduler.random()); });
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "skald/async/executor.h"
#include "skald/base/export.h"
#include "skald/base/random.h"

namespace skald::inline v1 {

// THREADS: one.
class SKALD_EXPORT SimulatedExecutor final : public Executor {
 public:
  // Drops what has not run, as a process that dies does.
  ~SimulatedExecutor() override;

  absl::Status Execute(Work&& work) override;

  // Asked for each work that is offered: true refuses it with ResourceExhausted.
  void SetRefusals(absl::AnyInvocable<bool()> refuses) { refuses_ = std::move(refuses); }
  // Read when work is taken; dispatched() gives it back while that work runs.
  void SetMoment(absl::AnyInvocable<uint64_t()> moment) { moment_ = std::move(moment); }

  // Runs one of the works that wait. RETURNS: false when there was none.
  bool RunOne(Random& random);
  // Drops what waits.
  void Clear();

  size_t pending() const { return queue_.size(); }
  bool running() const { return running_; }
  // The moment at which the running work was taken.
  uint64_t dispatched() const { return dispatched_; }

 private:
  struct Taken {
    Work work;
    uint64_t moment = 0;
  };

  std::vector<Taken> queue_;
  absl::AnyInvocable<bool()> refuses_;
  absl::AnyInvocable<uint64_t()> moment_;
  bool running_ = false;
  uint64_t dispatched_ = 0;
};

}  // namespace skald::inline v1
