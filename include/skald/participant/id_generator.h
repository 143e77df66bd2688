// Ids for orders and the like: 63 bits, unique over all generators that share a store, ascending
// within one, without a server to ask.
//
//   auto ids = skald::IdGenerator::Open(committer, {.worker = 7});
//   const auto id = (*ids)->Next();             // 302'934'882'017'411'072
//   skald::IdGenerator::Decode(*id).time;       // when, to the millisecond
//
//   0 | milliseconds since 2020 (41 bits) | worker (8 bits) | sequence (14 bits)
//
// The time in an id never goes back. It is the wall clock's; where that steps back, ids go on from
// where they were, within the same millisecond and, when that is full, no faster than the boot-time
// clock. Before ids of a span of time are given out, that span is reserved in the store, durably: a
// restart begins behind it, whatever the clock says.
//
// Uniqueness rests on the reservation alone. Two generators that are given the same worker by
// mistake share its row: each takes spans that the other has not, and the one whose row was taken
// stops, and says so.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/participant/lease.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

inline constexpr uint16_t kIdWorkers = 256;
inline constexpr uint32_t kIdsPerMillisecond = 16'384;

struct IdGeneratorOptions {
  uint16_t worker = 0;  // below kIdWorkers; one generator at a time should have it
  // What makes sure of that, where processes come and go (worker_lease.h): a span is reserved only
  // under its fence. Outlives the generator. Null: the host gives each its own.
  const Lease* lease = nullptr;
  // How far ahead time is reserved at most: one commit in half of that, and what a restart skips.
  absl::Duration reserve_ahead = absl::Seconds(4);
  // A wall clock that is further behind the ids than this is wrong, or was: Next refuses until it
  // has caught up. With `go_on` it does not: ids then carry a time that people have not reached.
  absl::Duration step_back_max = absl::Minutes(1);
  bool go_on = false;
  const Clock* clock = &Clock::Real();
};

// THREADS: any. After a fork the child's copy refuses: it opens a generator of its own.
class SKALD_EXPORT IdGenerator {
 public:
  struct Parts {
    absl::Time time;
    uint16_t worker = 0;
    uint16_t sequence = 0;
    friend bool operator==(const Parts&, const Parts&) = default;
  };

  // Reserves the first span, and blocks until that is durable. `committer` must outlive the
  // generator; where several processes share the store, it has CommitterOptions::shared_rows.
  // RETURNS: InvalidArgument     the worker, or an option, is out of range
  //          FailedPrecondition  the wall clock stands before 2020, or far behind ids that were
  //                              given out
  //          DataLoss            the worker's row does not read
  static absl::StatusOr<std::unique_ptr<IdGenerator>> Open(Committer& committer,
                                                           IdGeneratorOptions options = {});
  ~IdGenerator();

  // The next id. Waits, at most for some milliseconds, where more than kIdsPerMillisecond are asked
  // for, and for a commit where none was in time.
  // RETURNS: FailedPrecondition  the clock is too far behind; this process was forked
  //          Aborted             another generator has this worker: take another, and open again
  //          Unavailable         the store cannot reserve, or the lease is not held now; ask again
  // COST: two looks at the clock, one exchange; no lock.
  absl::StatusOr<uint64_t> Next();
  // The same without waiting: Unavailable where Next would.
  absl::StatusOr<uint64_t> TryNext();

  // RETURNS: InvalidArgument: no generator gives such a number.
  static absl::StatusOr<Parts> Decode(uint64_t id);

 private:
  struct State;
  explicit IdGenerator(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace skald::inline v1
