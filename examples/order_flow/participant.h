// What every participant stands on: a database of its own, one writer, one barrier.
//
// And the few things that all of them do alike: read a row in a transaction, refuse an order for
// good, commit without holding a thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "chaos.h"
#include "order.h"
#include "rows.h"
#include "skald/base/status.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier.h"
#include "skald/participant/lease.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace order_flow {

// Opens or makes a database whose buffers and caches may hold about `memory_bytes`.
using OpenStore = std::function<absl::StatusOr<std::shared_ptr<skald::Store>>(
    const std::string& path, size_t memory_bytes)>;
absl::StatusOr<std::shared_ptr<skald::Store>> OpenRocksDb(const std::string& path,
                                                          size_t memory_bytes);

struct ParticipantOptions {
  // Its rows are written by the holder of its lease alone, whoever else has its store open. Opening
  // it takes the lease over.
  bool leased = false;
  std::string writer;  // among those that write there; empty: its name
  // What befalls the calls to it on their way; null: nothing.
  Chaos* chaos = nullptr;
};

class Participant {
 public:
  // Opens or makes the database `directory`/`name`, by `open`.
  static absl::StatusOr<std::unique_ptr<Participant>> Open(const std::string& directory,
                                                           const std::string& name,
                                                           ParticipantOptions options,
                                                           const OpenStore& open);
  // Over a store that others may have open, too.
  static absl::StatusOr<std::unique_ptr<Participant>> Over(std::shared_ptr<skald::Store> store,
                                                           const std::string& name,
                                                           ParticipantOptions options);
  // Waits until everything that was asked for is durable, or cannot become so.
  ~Participant();

  skald::Store& store() { return *store_; }
  skald::Committer& committer() { return *committer_; }
  skald::Barrier& barrier() { return *barrier_; }
  const std::string& name() const { return name_; }
  Chaos* chaos() const { return chaos_; }

  // By its own clock; true where there is no lease.
  bool Holds() const { return lease_ == nullptr || lease_->Held(); }
  // Lets the transaction commit only while the lease is held. RETURNS: Aborted: it is not.
  absl::Status Guard(skald::Transaction& rows) const {
    return lease_ == nullptr ? absl::OkStatus() : lease_->Guard(rows);
  }

 private:
  Participant() = default;
  absl::Status TakeLease();

  std::string name_;
  Chaos* chaos_ = nullptr;
  std::shared_ptr<skald::Store> store_;
  std::unique_ptr<skald::Committer> committer_;
  std::unique_ptr<skald::Lease> lease_;
  std::unique_ptr<skald::Barrier> barrier_;
};

// Reads one row in a transaction. RETURNS: nothing, when it is not there.
template <typename Row>
absl::StatusOr<std::optional<Row>> GetRow(skald::Transaction& rows, const std::string& key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(key));
  if (!value) return std::nullopt;
  SKALD_ASSIGN_OR_RETURN(Row row, DecodeRow<Row>(key, *value));
  return row;
}

// Refuses an order for good, and keeps the reason where the books are. For the barrier this is an
// answer like any other: it is recorded together with the row, and repeated for ever.
template <typename T>
Decision<T> Refuse(skald::Transaction& rows, std::string_view number, std::string reason) {
  rows.Put(KeyOf(kRefusedPrefix, number), reason);
  return {std::move(reason), T{}};
}

// What the saga is told of a decision. A refusal is on record: no attempt of it did or will happen.
template <typename T>
skald::Verdict<T> VerdictOf(skald::Verdict<Decision<T>> decision) {
  if (!decision.done()) return decision.not_done();
  if (!decision.output().refusal.empty()) {
    return skald::RejectedForKey(decision.output().refusal);
  }
  return std::move(decision).output().granted;
}

// What is done outside of a barrier. `done` is called once, with what became of it.
using RowsDone = absl::AnyInvocable<void(const absl::Status&) &&>;
void CommitRows(skald::Transaction rows, RowsDone done);

}  // namespace order_flow
