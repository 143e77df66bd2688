// Lets many threads share one writer of a store: it numbers their units, joins all that wait into
// one batch, one commit, one sync, and settles commits whose outcome is unknown before it goes on.
//
// While a commit is under way the next batch fills: a slow disk makes batches larger, not queues
// longer. Whatever must agree shares one committer: the coordinator, and the barriers, leases and
// outboxes of participants that live in the same store.
//
// `Require` costs no read at commit. The committer keeps an overlay key -> (version, value) of rows
// that are queued, in flight or recently committed, as long as any unit that began reading earlier
// is open; a read looks there first, so a hot row moves many times in one sync. Nothing is answered
// before it is durable: a unit's callback runs only then.
//
//   auto committer = Committer::Open(store, {.writer = "inventory"});
//   Transaction tx = (*committer)->Begin();
//   auto row = tx.Get("stock/85123A");                       // remembered; required at commit
//   tx.Put("stock/85123A", less);
//   absl::Status status = std::move(tx).Commit();            // Aborted: somebody was faster; again
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/observer.h"
#include "skald/store/batch.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

struct CommitterOptions {
  // The writer's name in the store; a process that opens the same name later shuts this one out.
  std::string writer = "skald";
  // Bytes of units that may wait. Beyond it Enqueue says ResourceExhausted at once, but for units
  // marked `admitted`, which always queue.
  size_t queue_bytes_max = size_t{256} << 20;
  // Bytes of committed rows that are remembered for transactions that began before them. Beyond it
  // the oldest are let go, and a transaction from before then reads its rows again at commit.
  size_t overlay_bytes_max = size_t{64} << 20;
  // How long an unknown outcome is repeated before the committer fails stopped.
  absl::Duration unsettled_max = absl::Seconds(30);
  // False: the host calls PollOnce, nothing runs by itself (simulation, single-threaded hosts).
  bool own_thread = true;
  // True when other writer names write the same rows at the same time: requirements then also
  // travel to the store, which checks them at commit.
  bool shared_rows = false;
  Observer* observer = nullptr;
  const Clock* clock = &Clock::Real();
};

// OK: durable. Aborted: a requirement does not hold, nothing applied. Unavailable: the committer
// stopped, outcome not known. In order, one at a time, on a thread of the committer (or in
// PollOnce); must not block and must not call back into Shutdown.
using CommitCallback = absl::AnyInvocable<void(const absl::Status&) &&>;

class Committer;

// Numbers in the order in which what bears them becomes durable: whoever sees one has seen all that
// are lower, or they will never be there. For the transactions of one committer.
class SKALD_EXPORT Sequence {
 public:
  explicit Sequence(uint64_t first) : next_(first) {}

 private:
  friend class Committer;
  uint64_t next_;  // the committer's mutex guards it
};

// Reads and writes that apply together or not at all. Every row read through it must be unchanged
// at commit, also that it was absent. Movable; dropping it drops everything. One thread at a time.
class SKALD_EXPORT Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  // This transaction's own writes first, then rows that are queued or durable.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key);
  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);
  // Puts `value` under `prefix` and the next number of `sequence`, eight bytes, big-endian, which
  // is drawn when the transaction is queued. Get does not see it.
  void PutNext(std::string_view prefix, std::shared_ptr<Sequence> sequence, std::string_view value);
  // Whether it was begun by this committer.
  bool BelongsTo(const Committer& committer) const;
  // Forgets what was written; what was read is still required, so that a refusal too rests on rows
  // that stood together.
  void DiscardWrites();
  // OK so far; otherwise why it cannot commit any more. Aborted: a row changed between two reads.
  const absl::Status& status() const;

  // Blocks until durable. Not on the committer's own thread.
  absl::Status Commit() &&;
  // RETURNS: ResourceExhausted: the queue is full, Aborted: a row read has changed already;
  //          `done` is then not called.
  absl::Status CommitThen(CommitCallback done) &&;

 private:
  friend class Committer;
  struct State;
  explicit Transaction(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// THREADS: any.
class SKALD_EXPORT Committer {
 public:
  static absl::StatusOr<std::unique_ptr<Committer>> Open(Store& store,
                                                         CommitterOptions options = {});
  // REQUIRES: shut down, or nothing enqueued is unanswered. Joins its thread; callbacks that are
  // still due get Unavailable.
  ~Committer();

  Transaction Begin();

  // Rows that are queued and not yet durable are seen too; what depends on such a row and is
  // enqueued here can only become durable with or after it.
  absl::StatusOr<std::optional<Row>> Get(std::string_view key);

  // Queues a unit without requirements. `admitted`: belongs to work that was let in before; the
  // bound does not refuse it.
  // RETURNS: ResourceExhausted, InvalidArgument (over the store's limits), Unavailable (stopped):
  //          `done` is then not called.
  absl::Status Enqueue(Unit unit, CommitCallback done, bool admitted = false);

  // Only when !own_thread: commits what waits, once. RETURNS: whether there was anything to do.
  // THREADS: one at a time; what waits for a commit (Transaction::Commit, Lease::Release) calls it.
  bool PollOnce();

  // Commits what is queued, then stops. DeadlineExceeded: something is still unsettled; its
  // callbacks get Unavailable.
  absl::Status Shutdown(absl::Duration timeout);

  Fence fence() const;
  Store& store() const;
  // Whether somebody has to call PollOnce.
  bool pumped() const;
  // OK while it works; after it stopped by itself, why.
  absl::Status health() const;

  struct Stats {
    uint64_t batches = 0, units = 0, bytes = 0;  // made durable
    uint64_t conflicts = 0;                      // transactions that found a row changed
    uint64_t repeats = 0;                        // commits sent again after an unknown outcome
    uint64_t rereads = 0;                        // transactions that outlived the overlay's bound
    uint64_t overlay_rows = 0, overlay_bytes = 0, queue_bytes = 0;  // now
  };
  Stats stats() const;

 private:
  friend class Transaction;
  class Impl;
  explicit Committer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
