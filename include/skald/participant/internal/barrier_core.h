// The barrier over anything that can read a row and commit rows together: carries rows to Decide
// and what it says back. skald::Barrier is this over a Committer, skald::HostBarrier over a host's
// own RocksDB; a test walks all orders of the steps of several calls.
//
// What it wants of a Port:
//
//   using Rows = …;                      // one call's reads and writes; movable
//     absl::StatusOr<std::optional<std::string>> Get(std::string_view key);
//     void Put(std::string_view key, std::string_view value);
//     void DiscardWrites();
//     absl::Status status() const;       // Aborted: cannot commit any more, a row has changed
//     absl::Status Commit() &&;          // Aborted: what Get read has changed; nothing applied
//   using UserRows = …;                  // what a user's function is given
//   Rows Begin(const EffectKey& key);
//   static UserRows ForUser(Rows& rows);     // or a reference to it
//   absl::Status Scan(const KeyRange& range, FunctionRef<absl::Status(key, value)> visit);
//   absl::Status DropRange(const KeyRange& range);
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/participant/barrier_options.h"
#include "skald/participant/decide.h"
#include "skald/participant/internal/barrier_inl.h"
#include "skald/participant/internal/floors.h"
#include "skald/participant/internal/reservations.h"
#include "skald/store/store.h"

namespace skald::inline v1::internal {

// A verdict that nothing changed, and why.
SKALD_EXPORT BarrierReply ReplyLater(std::string why);
// What a call says when its commit did not succeed. Aborted, ResourceExhausted and InvalidArgument
// mean by a port's contract that nothing applied.
SKALD_EXPORT BarrierReply ReplyOfFailedCommit(const absl::Status& status);
// What an equal call is told that waited: the same, but for a Rejected, which it got from the
// record.
SKALD_EXPORT BarrierReply ForWaiter(BarrierReply reply);

// Where a blocking call waits for the answer of an equal one.
class SKALD_EXPORT ReplySlot {
 public:
  void Set(BarrierReply reply) SKALD_EXCLUDES(mutex_);
  BarrierReply Wait() SKALD_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  CondVar answered_;
  std::optional<BarrierReply> reply_ SKALD_GUARDED_BY(mutex_);
};

// THREADS: any.
template <typename Port>
class BarrierCore {
 public:
  using Rows = typename Port::Rows;
  using Body = BodyOver<typename Port::UserRows>;

  // A call that is ready to be answered, once `rows` is committed if there is anything to commit.
  struct Ready {
    BarrierReply reply;
    std::optional<Rows> rows;
    FloorClaim floor;       // written by `rows`
    bool conflict = false;  // a row changed while it was prepared: prepare again

    // Of a call that has nothing to commit.
    absl::Status status() const {
      return conflict ? absl::AbortedError("a row changed between two reads") : absl::OkStatus();
    }
  };

  // REQUIRES: CheckOptions(options).ok().
  BarrierCore(Port port, BarrierOptions options)
      : port_(std::move(port)),
        options_(std::move(options)),
        reservations_(options_.waiters_max),
        floors_(options_.stores_max) {}
  ~BarrierCore() {
    const size_t in_process = reservations_.size();
    SKALD_CHECK(in_process == 0, "barrier '{}' goes while {} calls are in process", options_.name,
                in_process);
  }

  // Before anything else.
  absl::Status LoadFloors();

  // A whole call, on this thread.
  BarrierReply Run(BarrierVerb verb, const BarrierRequest& request, Body body);
  absl::Status Sweep();

  // The steps of a call, in their order: Begin; then Prepare, the commit of what is ready, Settle,
  // again while Again says so; then Leave.
  //
  // RETURNS: the answer, when the call is not let in; otherwise it runs, or `waits` with its
  // `done`.
  std::optional<BarrierReply> Begin(BarrierVerb verb, const BarrierRequest& request,
                                    BarrierDone& done, bool& waits);
  Ready Prepare(BarrierVerb verb, const BarrierRequest& request, Body body);
  BarrierReply Settle(Ready& ready, const absl::Status& status);
  void Forget(Ready& ready) { floors_.EndWrite(std::exchange(ready.floor, std::nullopt), false); }
  bool Again(const absl::Status& status, uint32_t& conflicts) const {
    return status.code() == absl::StatusCode::kAborted && conflicts++ < options_.conflicts_max;
  }
  void Leave(BarrierVerb verb, const EffectKey& key, BarrierReply reply, BarrierDone done);

 private:
  std::optional<BarrierReply> Enter(BarrierVerb verb, const BarrierRequest& request,
                                    BarrierDone& done, bool& waits);
  void PrepareDecided(const BarrierRequest& request, Decision decision, bool recorded,
                      const std::string& row_key, Rows rows, Ready& ready);
  void PrepareRun(BarrierVerb verb, const BarrierRequest& request,
                  const std::optional<BarrierRecord>& record, Body body, const std::string& row_key,
                  Rows rows, Ready& ready);
  void Write(const BarrierRequest& request, const std::string& row_key, const BarrierRecord& record,
             Rows rows, Ready& ready);
  absl::Status PutFloor(FloorClaim& claim, Rows& rows);
  absl::Status Sweep(StoreId store);
  absl::Status DropBelowFloor(StoreId store, uint64_t step);

  Port port_;
  const BarrierOptions options_;
  Reservations reservations_;
  Floors floors_;
};

template <typename Port>
absl::Status BarrierCore<Port>::LoadFloors() {
  const std::string prefix = BarrierFloorPrefix(options_.name);
  std::string end = prefix;
  ++end.back();  // '/', so it does not overflow
  return Annotate(port_.Scan({prefix, end},
                             [this](std::string_view key, std::string_view value) -> absl::Status {
                               SKALD_ASSIGN_OR_RETURN(const BarrierFloor floor,
                                                      DecodeBarrierFloor(key, value));
                               floors_.Load(floor);
                               return absl::OkStatus();
                             }),
                  "reading a barrier's floors");
}

template <typename Port>
std::optional<BarrierReply> BarrierCore<Port>::Begin(BarrierVerb verb,
                                                     const BarrierRequest& request,
                                                     BarrierDone& done, bool& waits) {
  IgnoreError(DropBelowFloor(request.key.store, options_.floor_step), "the next step tries again");
  return Enter(verb, request, done, waits);
}

template <typename Port>
std::optional<BarrierReply> BarrierCore<Port>::Enter(BarrierVerb verb,
                                                     const BarrierRequest& request,
                                                     BarrierDone& done, bool& waits) {
  waits = false;
  if (IsPlausibleFloor(request) && !floors_.Learn(request.key.store, request.floor)) {
    return ReplyLater(
        fmt::format("barrier '{}' knows the floors of {} stores and takes no more: raise "
                    "stores_max",
                    options_.name, options_.stores_max));
  }
  switch (reservations_.Enter(verb, request, done)) {
    case Reservations::Entered::kRun:
      return std::nullopt;
    case Reservations::Entered::kWaits:
      waits = true;
      return std::nullopt;
    case Reservations::Entered::kFull:
      return ReplyLater(fmt::format("{} calls of key {} wait already", options_.waiters_max,
                                    ToString(request.key)));
    case Reservations::Entered::kOtherRequest:
      break;
  }
  return BarrierReply{
      .text = fmt::format("key {} is in process for another request", ToString(request.key))};
}

template <typename Port>
typename BarrierCore<Port>::Ready BarrierCore<Port>::Prepare(BarrierVerb verb,
                                                             const BarrierRequest& request,
                                                             Body body) {
  Ready ready;
  const std::string row_key = BarrierRowKey(options_.name, request.key);
  Rows rows = port_.Begin(request.key);
  const absl::StatusOr<std::optional<std::string>> value = rows.Get(row_key);
  if (!value.ok()) {
    ready.reply = ReplyUnknown("reading the record", value.status());
    return ready;
  }
  std::optional<BarrierRecord> record;
  if (value->has_value()) {
    absl::StatusOr<BarrierRecord> decoded = DecodeBarrierRecord(row_key, **value);
    if (!decoded.ok()) {
      ready.reply = ReplyUnknown("reading the record", decoded.status());
      return ready;
    }
    record = *std::move(decoded);
  }
  if (SKALD_SABOTAGED(kForgetfulBarrier) && verb == BarrierVerb::kAction) record.reset();
  // After the row: rows are dropped only when the floor has risen.
  const Incarnation floor = floors_.Highest(request.key.store);
  Decision decision = Decide(verb, request, record, floor);
  if (decision.run) {
    PrepareRun(verb, request, record, body, row_key, std::move(rows), ready);
  } else {
    PrepareDecided(request, std::move(decision), record.has_value(), row_key, std::move(rows),
                   ready);
  }
  return ready;
}

template <typename Port>
void BarrierCore<Port>::PrepareDecided(const BarrierRequest& request, Decision decision,
                                       bool recorded, const std::string& row_key, Rows rows,
                                       Ready& ready) {
  ready.reply = std::move(decision.reply);
  if (decision.record) {
    Write(request, row_key, *decision.record, std::move(rows), ready);
  } else if (recorded && ready.reply.kind != VerdictKind::kUnknown) {
    ready.rows = std::move(rows);  // nothing to write, but the record may not be durable yet
  }
}

template <typename Port>
void BarrierCore<Port>::PrepareRun(BarrierVerb verb, const BarrierRequest& request,
                                   const std::optional<BarrierRecord>& record, Body body,
                                   const std::string& row_key, Rows rows, Ready& ready) {
  auto&& user_rows = Port::ForUser(rows);
  ready.reply = body(user_rows, record ? std::string_view(record->text) : std::string_view());
  if (rows.status().code() == absl::StatusCode::kAborted) {
    ready.conflict = true;
    ready.reply = ReplyOfFailedCommit(rows.status());
    return;
  }
  const std::optional<BarrierRecord> said = Record(verb, request, record, ready.reply);
  if (!said) return;
  if (ready.reply.kind != VerdictKind::kDone) rows.DiscardWrites();
  Write(request, row_key, *said, std::move(rows), ready);
}

template <typename Port>
void BarrierCore<Port>::Write(const BarrierRequest& request, const std::string& row_key,
                              const BarrierRecord& record, Rows rows, Ready& ready) {
  rows.Put(row_key, EncodeBarrierRecord(row_key, record));
  ready.floor = floors_.ClaimWrite(request.key.store, options_.floor_step);
  if (ready.floor) IgnoreError(PutFloor(ready.floor, rows), "the next call tries again");
  ready.rows = std::move(rows);
}

// Puts the claimed floor into `rows`, or ends the claim where it is not to be written by them.
template <typename Port>
absl::Status BarrierCore<Port>::PutFloor(FloorClaim& claim, Rows& rows) {
  const std::string key = BarrierFloorKey(options_.name, claim->store);
  const auto give_up = [&](const absl::Status& why) {
    floors_.EndWrite(std::exchange(claim, std::nullopt), false);
    return why;
  };
  const absl::StatusOr<std::optional<std::string>> value = rows.Get(key);
  if (!value.ok()) return give_up(value.status());
  if (value->has_value()) {
    const absl::StatusOr<BarrierFloor> stands = DecodeBarrierFloor(key, **value);
    if (!stands.ok()) return give_up(stands.status());
    if (stands->floor >= claim->floor) {
      // Another process was here, which should not be: what it has dropped stays below the floor.
      floors_.Learn(claim->store, stands->floor);
      claim.reset();
      floors_.EndWrite(*stands, true);
      return absl::OkStatus();
    }
  }
  rows.Put(key, EncodeBarrierFloor(key, claim->floor));
  return absl::OkStatus();
}

template <typename Port>
BarrierReply BarrierCore<Port>::Settle(Ready& ready, const absl::Status& status) {
  floors_.EndWrite(ready.floor, status.ok());
  return status.ok() ? std::move(ready.reply) : ReplyOfFailedCommit(status);
}

// Touches nothing of the barrier once the first callback runs: it may be gone by then.
template <typename Port>
void BarrierCore<Port>::Leave(BarrierVerb verb, const EffectKey& key, BarrierReply reply,
                              BarrierDone done) {
  std::vector<BarrierDone> waiters = reservations_.Leave(verb, key);
  for (BarrierDone& waiter : waiters) std::move(waiter)(ForWaiter(reply));
  if (done) std::move(done)(std::move(reply));
}

template <typename Port>
BarrierReply BarrierCore<Port>::Run(BarrierVerb verb, const BarrierRequest& request, Body body) {
  ReplySlot slot;
  BarrierDone wake = [&slot](BarrierReply reply) { slot.Set(std::move(reply)); };
  bool waits = false;
  if (auto refused = Begin(verb, request, wake, waits)) return *std::move(refused);
  if (waits) return slot.Wait();
  BarrierReply reply;
  absl::Status status;
  uint32_t conflicts = 0;
  do {
    Ready ready = Prepare(verb, request, body);
    status = ready.rows ? std::move(*ready.rows).Commit() : ready.status();
    reply = Settle(ready, status);
  } while (Again(status, conflicts));
  Leave(verb, request.key, reply, nullptr);
  return reply;
}

template <typename Port>
absl::Status BarrierCore<Port>::DropBelowFloor(StoreId store, uint64_t step) {
  const FloorClaim claim = floors_.ClaimDrop(store, step);
  if (!claim) return absl::OkStatus();
  // A call that found its row absent before the floor rose may still commit: were the row blocked
  // and dropped meanwhile, it would find it absent again. So rows above the oldest such call stay.
  const Incarnation below =
      std::min(claim->floor, reservations_.Lowest(store).value_or(claim->floor));
  const absl::Status dropped =
      port_.DropRange({BarrierRowBound(options_.name, store, Incarnation{}),
                       BarrierRowBound(options_.name, store, below)});
  // What a call left is in the range of the next step; what a sweep left, in that of the next one.
  const bool complete = dropped.ok() && below == claim->floor;
  floors_.EndDrop(claim, complete || step > 1);
  return dropped;
}

template <typename Port>
absl::Status BarrierCore<Port>::Sweep(StoreId store) {
  if (FloorClaim claim = floors_.ClaimWrite(store, 1)) {
    Rows rows = port_.Begin({.store = store});
    SKALD_RETURN_IF_ERROR(PutFloor(claim, rows));
    const absl::Status written = claim ? std::move(rows).Commit() : absl::OkStatus();
    floors_.EndWrite(claim, written.ok());
    SKALD_RETURN_IF_ERROR(written);
  }
  return DropBelowFloor(store, 1);
}

template <typename Port>
absl::Status BarrierCore<Port>::Sweep() {
  absl::Status first;
  for (const StoreId store : floors_.Stores()) first.Update(Sweep(store));
  return first;
}

}  // namespace skald::inline v1::internal
