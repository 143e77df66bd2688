// A lease: of several processes, one at a time may do something, and what the others write does not
// land.
//
//   auto lease = skald::Lease::Open(*committer, {.name = "billing", .holder = host_name});
//   …
//   if ((*lease)->Held()) {
//     skald::Transaction rows = committer->Begin();
//     if (const auto ours = (*lease)->Guard(rows); !ours.ok()) return ours;   // somebody else's by
//     now …                                                                       // reads and
//     writes return std::move(rows).Commit();            // Aborted, if the lease has changed hands
//     meanwhile
//   }
//
// Two things hold, and they are different. **By time** two never hold it at once, as long as their
// clocks run at about the same rate: the holder stops believing in it two thirds of the duration
// after it last asked for a renewal, and another takes it only when it has itself seen nothing of
// the holder for the whole duration. No two clocks are compared. **By fence** it is certain: each
// change of holder has a higher number, and a guarded transaction commits only while the number
// stands, whatever a paused process believes. Efficiency may rest on the first; what must not be
// wrong rests on the second.
//
// Every process opens a committer of its own over the shared store, each under another writer's
// name and with CommitterOptions::shared_rows.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

struct LeaseOptions {
  std::string name;    // of what is leased: letters, digits, '-', '_', '.'
  std::string holder;  // who asks, for people
  // How long nobody is heard of before another may take it. Renewed after a third of it.
  absl::Duration duration = absl::Seconds(15);
  // Takes it at once, the first time, whoever has it: for a host that knows that the last holder is
  // gone, by the lock of a local database or by an operator's word. Then nobody need wait. Should
  // that one be there after all, the fence keeps its writes out; by time, both may hold it for a
  // while.
  bool take_over = false;
  // Told on taking and on losing it, from Poll; must not block. `why` of a loss says what happened.
  absl::AnyInvocable<void(uint64_t fence)> on_taken;
  absl::AnyInvocable<void(uint64_t fence, const absl::Status& why)> on_lost;
  // False: the host calls Poll by the times that it gives. True: a thread of its own does.
  bool own_thread = true;
  const Clock* clock = &Clock::Real();
};

// THREADS: any.
class SKALD_EXPORT Lease {
 public:
  // Begins to ask for it. `committer` must outlive it.
  // RETURNS: InvalidArgument: a name or a duration that makes no sense.
  static absl::StatusOr<std::unique_ptr<Lease>> Open(Committer& committer, LeaseOptions options);
  // Lets it lapse. Release first, and another need not wait.
  ~Lease();

  // This process holds it, by its own clock. It may change hands right behind the answer: what must
  // not be wrong is guarded.
  bool Held() const;
  // Of this holding, or of the last one; 0: never held.
  uint64_t fence() const;
  // Stops when this holding is lost. Of no holding: stopped already.
  std::stop_token stop_token() const;

  // Makes the transaction one that commits only while this holding lasts.
  // RETURNS: Aborted: it is not held, or has changed hands; what the transaction says
  absl::Status Guard(Transaction& rows) const;

  // Gives it up: the next one may take it at once. RETURNS: what the store says; OK if not held.
  absl::Status Release();

  // Does what is due: asks for it, renews it, notices its loss. Does not wait for the store.
  // RETURNS: the boot time at which to call again at the latest.
  absl::Duration Poll();

 private:
  class Impl;
  explicit Lease(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
