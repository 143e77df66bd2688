// Everything that can be set on a coordinator and on one start; the defaults are safe for money.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/observer.h"
#include "skald/base/random.h"

namespace skald::inline v1 {

struct CoordinatorOptions {
  // The writer's name in the store, when the coordinator opens its own committer. Whoever opens the
  // same name later shuts this one out.
  std::string writer = "skald";
  // Loops over which sagas are spread by hash. One serves some 100,000 sagas a second; more only
  // pay where cores are free. Not persisted: may change at every open.
  uint32_t shards = 1;
  // False: the coordinator starts no thread; the host calls PollOnce or RunUntilIdle from one
  // thread.
  bool own_threads = true;

  // Sagas in memory beyond which Start says ResourceExhausted. One takes about 1 KiB and its
  // payloads.
  size_t in_flight_max = size_t{1} << 18;
  // Of one input or output, encoded; reasons are cut at 4 KiB. Inputs are refused; a step whose
  // output is larger may have run and is treated so.
  size_t payload_bytes_max = size_t{1} << 20;
  size_t key_bytes_max = 512;
  // A saga that only waits, for a timer further away than this or for a signal, leaves memory: some
  // 50 bytes of it stay, and it comes back for the timer, a signal or a question. That costs two
  // small rows each way. InfiniteDuration(): none leaves.
  absl::Duration asleep_after = absl::Seconds(5);
  // Finished sagas whose record by id is not written yet; beyond it they are written out, sorted.
  size_t finished_in_memory_max = size_t{1} << 15;

  // Journal that is kept before what old unfinished sagas need of it is written again at its end,
  // so that the rest can be dropped.
  size_t journal_bytes_max = size_t{256} << 20;
  // How long a finished saga of a definition that is not registered any more is remembered.
  absl::Duration retention_without_definition = absl::Hours(24 * 30);

  // Open refuses a wall clock further than this beyond the last journaled time, before anything is
  // written, unless accept_time_leap says that the time is right.
  absl::Duration downtime_max = absl::Hours(24 * 7);
  bool accept_time_leap = false;

  // These three outlive the coordinator, and nothing of it touches them when it is gone.
  // nullptr: a line on stderr for each give-up and stuck saga, at most ten a second.
  Observer* observer = nullptr;
  const Clock* clock = &Clock::Real();
  // nullptr: seeded by the system. Draws retry jitter and generated keys.
  Random* random = nullptr;
};

struct StartOptions {
  // The business key: the same key and input give the same saga, whenever asked. Empty: one is
  // generated, and named by the handle and by any error.
  std::string key;
  // From the start's durability; bounds attempts before the pivot and the pivot's first.
  absl::Duration deadline = absl::InfiniteDuration();
};

// Who does something to a saga by hand, and why; journaled with it.
struct Operator {
  std::string actor;
  std::string reason;
  // The saga's journal sequence that the operator saw (SagaInfo::sequence). Another one: Aborted,
  // look again. 0: whatever it is.
  uint64_t seen_sequence = 0;
};

}  // namespace skald::inline v1
