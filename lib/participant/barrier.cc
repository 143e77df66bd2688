// The barrier over a Committer: carries rows to Decide and what it says back, nothing more.
#include "skald/participant/barrier.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floors.h"
#include "reservations.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/participant/decide.h"

namespace skald::inline v1 {

using internal::BarrierBody;
using internal::BarrierDone;
using internal::ReplyUnknown;

namespace {

BarrierReply Later(std::string why) {
  return {.kind = VerdictKind::kRetryLater, .text = std::move(why)};
}

// What a call says when its commit did not succeed. Aborted, ResourceExhausted and InvalidArgument
// mean by the committer's contract that nothing applied.
BarrierReply ReplyOfFailedCommit(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInvalidArgument:
      return Later(fmt::format("not committed: {}", ToStd(status.message())));
    default:
      return ReplyUnknown("committing", status);
  }
}

// What an equal call is told that waited: the same, but for a Rejected, which it got from the
// record.
BarrierReply ForWaiter(BarrierReply reply) {
  if (reply.kind == VerdictKind::kRejected) reply.kind = VerdictKind::kRejectedForKey;
  return reply;
}

// Where a blocking call waits for the answer of an equal one.
class Slot {
 public:
  void Set(BarrierReply reply) SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    reply_ = std::move(reply);
    answered_.NotifyAll();  // under the lock: the waiter may be gone right after it
  }
  BarrierReply Wait() SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!reply_) answered_.Wait(mutex_);
    return *std::move(reply_);
  }

 private:
  Mutex mutex_;
  CondVar answered_;
  std::optional<BarrierReply> reply_ SKALD_GUARDED_BY(mutex_);
};

// A call that is ready to be answered, once `rows` is committed if there is anything to commit.
struct Ready {
  BarrierReply reply;
  std::optional<Transaction> rows;
  FloorClaim floor;       // written by `rows`
  bool conflict = false;  // a row changed while it was prepared: prepare again
};

// Of a call that has nothing to commit.
absl::Status StatusOf(const Ready& ready) {
  return ready.conflict ? absl::AbortedError("a row changed between two reads") : absl::OkStatus();
}

}  // namespace

class Barrier::Impl {
 public:
  Impl(Committer& committer, BarrierOptions options)
      : committer_(committer),
        options_(std::move(options)),
        reservations_(options_.waiters_max),
        floors_(options_.stores_max) {}
  ~Impl() {
    const size_t in_process = reservations_.size();
    SKALD_CHECK(in_process == 0, "barrier '{}' goes while {} calls are in process", options_.name,
                in_process);
  }

  absl::Status LoadFloors();
  BarrierReply Run(BarrierVerb verb, const BarrierRequest& request, BarrierBody body);
  void RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body, BarrierDone done);
  absl::Status Sweep(StoreId store);
  std::vector<StoreId> Stores() { return floors_.Stores(); }

 private:
  // What a call that does not wait for a thread carries to its callback.
  struct Call {
    BarrierVerb verb;
    EffectKey key;
    Ready ready;
    BarrierDone done;
  };

  std::optional<BarrierReply> Enter(BarrierVerb verb, const BarrierRequest& request,
                                    BarrierDone& done, bool& waits);
  Ready Prepare(BarrierVerb verb, const BarrierRequest& request, BarrierBody body);
  void PrepareDecided(const BarrierRequest& request, Decision decision, bool recorded,
                      const std::string& row_key, Transaction rows, Ready& ready);
  void PrepareRun(BarrierVerb verb, const BarrierRequest& request,
                  const std::optional<BarrierRecord>& record, BarrierBody body,
                  const std::string& row_key, Transaction rows, Ready& ready);
  void Write(const BarrierRequest& request, const std::string& row_key, const BarrierRecord& record,
             Transaction rows, Ready& ready);
  bool Again(const absl::Status& status, uint32_t& conflicts) const;
  BarrierReply Settle(Ready& ready, const absl::Status& status);
  void Leave(BarrierVerb verb, const EffectKey& key, BarrierReply reply, BarrierDone done);
  absl::Status DropBelowFloor(StoreId store, uint64_t step);

  Committer& committer_;
  const BarrierOptions options_;
  Reservations reservations_;
  Floors floors_;
};

absl::Status Barrier::Impl::LoadFloors() {
  const std::string prefix = BarrierFloorPrefix(options_.name);
  std::string end = prefix;
  ++end.back();  // '/', so it does not overflow
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor,
                         committer_.store().Scan(Space::kRows, {prefix, end}));
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const BarrierFloor floor,
                           DecodeBarrierFloor(cursor->key(), cursor->value()));
    floors_.Load(floor);
  }
  return cursor->status();
}

// RETURNS: the answer, when the call is not let in; otherwise it runs, or `waits` with its `done`.
std::optional<BarrierReply> Barrier::Impl::Enter(BarrierVerb verb, const BarrierRequest& request,
                                                 BarrierDone& done, bool& waits) {
  waits = false;
  if (IsPlausibleFloor(request) && !floors_.Learn(request.key.store, request.floor)) {
    return Later(
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
      return Later(fmt::format("{} calls of key {} wait already", options_.waiters_max,
                               ToString(request.key)));
    case Reservations::Entered::kOtherRequest:
      break;
  }
  return BarrierReply{
      .text = fmt::format("key {} is in process for another request", ToString(request.key))};
}

Ready Barrier::Impl::Prepare(BarrierVerb verb, const BarrierRequest& request, BarrierBody body) {
  Ready ready;
  const std::string row_key = BarrierRowKey(options_.name, request.key);
  Transaction rows = committer_.Begin();
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

void Barrier::Impl::PrepareDecided(const BarrierRequest& request, Decision decision, bool recorded,
                                   const std::string& row_key, Transaction rows, Ready& ready) {
  ready.reply = std::move(decision.reply);
  if (decision.record) {
    Write(request, row_key, *decision.record, std::move(rows), ready);
  } else if (recorded && ready.reply.kind != VerdictKind::kUnknown) {
    ready.rows = std::move(rows);  // nothing to write, but the record may not be durable yet
  }
}

void Barrier::Impl::PrepareRun(BarrierVerb verb, const BarrierRequest& request,
                               const std::optional<BarrierRecord>& record, BarrierBody body,
                               const std::string& row_key, Transaction rows, Ready& ready) {
  ready.reply = body(rows, record ? std::string_view(record->text) : std::string_view());
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

void Barrier::Impl::Write(const BarrierRequest& request, const std::string& row_key,
                          const BarrierRecord& record, Transaction rows, Ready& ready) {
  rows.Put(row_key, EncodeBarrierRecord(row_key, record));
  ready.floor = floors_.ClaimWrite(request.key.store, options_.floor_step);
  if (ready.floor) {
    // Written without being read: one claim at a time, so that floors follow each other upwards.
    const std::string floor_key = BarrierFloorKey(options_.name, request.key.store);
    rows.Put(floor_key, EncodeBarrierFloor(floor_key, ready.floor->floor));
  }
  ready.rows = std::move(rows);
}

bool Barrier::Impl::Again(const absl::Status& status, uint32_t& conflicts) const {
  return status.code() == absl::StatusCode::kAborted && conflicts++ < options_.conflicts_max;
}

BarrierReply Barrier::Impl::Settle(Ready& ready, const absl::Status& status) {
  floors_.EndWrite(ready.floor, status.ok());
  return status.ok() ? std::move(ready.reply) : ReplyOfFailedCommit(status);
}

// Touches nothing of the barrier once the first callback runs: it may be gone by then.
void Barrier::Impl::Leave(BarrierVerb verb, const EffectKey& key, BarrierReply reply,
                          BarrierDone done) {
  std::vector<BarrierDone> waiters = reservations_.Leave(verb, key);
  for (BarrierDone& waiter : waiters) std::move(waiter)(ForWaiter(reply));
  if (done) std::move(done)(std::move(reply));
}

BarrierReply Barrier::Impl::Run(BarrierVerb verb, const BarrierRequest& request, BarrierBody body) {
  IgnoreError(DropBelowFloor(request.key.store, options_.floor_step), "the next step tries again");
  Slot slot;
  BarrierDone wake = [&slot](BarrierReply reply) { slot.Set(std::move(reply)); };
  bool waits = false;
  if (auto refused = Enter(verb, request, wake, waits)) return *std::move(refused);
  if (waits) return slot.Wait();
  BarrierReply reply;
  absl::Status status;
  uint32_t conflicts = 0;
  do {
    Ready ready = Prepare(verb, request, body);
    status = ready.rows ? std::move(*ready.rows).Commit() : StatusOf(ready);
    reply = Settle(ready, status);
  } while (Again(status, conflicts));
  Leave(verb, request.key, reply, nullptr);
  return reply;
}

void Barrier::Impl::RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body,
                            BarrierDone done) {
  IgnoreError(DropBelowFloor(request.key.store, options_.floor_step), "the next step tries again");
  bool waits = false;
  if (auto refused = Enter(verb, request, done, waits)) return std::move(done)(*std::move(refused));
  if (waits) return;
  const auto call = std::make_shared<Call>(Call{verb, request.key, {}, std::move(done)});
  absl::Status status;
  uint32_t conflicts = 0;
  do {
    call->ready = Prepare(verb, request, body);
    status = StatusOf(call->ready);
    if (!call->ready.rows) continue;
    // After a refusal of CommitThen the callback is gone uncalled, and the call is still ours.
    status = std::move(*call->ready.rows).CommitThen([this, call](const absl::Status& committed) {
      Leave(call->verb, call->key, Settle(call->ready, committed), std::move(call->done));
    });
    if (status.ok()) return;
    floors_.EndWrite(std::exchange(call->ready.floor, std::nullopt), false);
  } while (Again(status, conflicts));
  Leave(call->verb, call->key, Settle(call->ready, status), std::move(call->done));
}

absl::Status Barrier::Impl::DropBelowFloor(StoreId store, uint64_t step) {
  const FloorClaim claim = floors_.ClaimDrop(store, step);
  if (!claim) return absl::OkStatus();
  // A call that found its row absent before the floor rose may still commit: were the row blocked
  // and dropped meanwhile, it would find it absent again. So rows above the oldest such call stay.
  const Incarnation below =
      std::min(claim->floor, reservations_.Lowest(store).value_or(claim->floor));
  const absl::Status dropped =
      committer_.store().DropRange(committer_.fence(), Space::kRows,
                                   {BarrierRowBound(options_.name, store, Incarnation{}),
                                    BarrierRowBound(options_.name, store, below)});
  floors_.EndDrop(claim);
  return dropped;
}

absl::Status Barrier::Impl::Sweep(StoreId store) {
  if (const FloorClaim claim = floors_.ClaimWrite(store, 1)) {
    const std::string key = BarrierFloorKey(options_.name, store);
    Transaction rows = committer_.Begin();
    rows.Put(key, EncodeBarrierFloor(key, claim->floor));
    const absl::Status written = std::move(rows).Commit();
    floors_.EndWrite(claim, written.ok());
    SKALD_RETURN_IF_ERROR(written);
  }
  return DropBelowFloor(store, 1);
}

absl::StatusOr<std::unique_ptr<Barrier>> Barrier::Open(Committer& committer,
                                                       BarrierOptions options) {
  if (!IsBarrierName(options.name)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no name for a barrier: 1 to 32 of a-z 0-9 - _ . are", options.name));
  }
  if (options.floor_step == 0) {
    return absl::InvalidArgumentError("floor_step is 0: the floor would be written for ever");
  }
  auto impl = std::make_unique<Impl>(committer, std::move(options));
  SKALD_RETURN_IF_ERROR(Annotate(impl->LoadFloors(), "reading a barrier's floors"));
  return std::unique_ptr<Barrier>(new Barrier(std::move(impl)));
}

Barrier::Barrier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Barrier::~Barrier() = default;

BarrierReply Barrier::Run(BarrierVerb verb, const BarrierRequest& request, BarrierBody body) {
  return impl_->Run(verb, request, body);
}

void Barrier::RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body,
                      BarrierDone done) {
  impl_->RunThen(verb, request, body, std::move(done));
}

absl::Status Barrier::Sweep() {
  absl::Status first;
  for (const StoreId store : impl_->Stores()) first.Update(impl_->Sweep(store));
  return first;
}

}  // namespace skald::inline v1
