// The barrier without a store: what the record of a key says to a request, and what to record.
// Pure: no clock, no lock, no I/O, so that every adapter shares it and a test can walk all its
// states.
//
// An adapter does, for one call:
//
//   read the row under BarrierRowKey(name, request.key); `record` = DecodeBarrierRecord(…)
//   Decision decision = Decide(verb, request, record, floor);
//   if (decision.run) {                               // `reply`: what the user's function said
//     if (auto row = Record(verb, request, record, reply)) put it, with the function's own writes
//     if
//                                                     // and only if reply.kind is Done
//   } else { put decision.record, if any; answer decision.reply }
//   … in one atomic batch that applies only if the row read is still the same.
//
// The floor is read after the row: rows are dropped only after the floor rose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier_request.h"

namespace skald::inline v1 {

enum class BarrierVerb : uint8_t { kAction = 1, kCompensation = 2, kReconcile = 3 };

// Persisted; numbers are never reused. What an action's record can say.
enum class ActionRecord : uint8_t {
  kDone = 1,      // happened; `text` is the encoded output
  kRejected = 2,  // never will; `text` is the reason
  kBlocked = 3,   // never did, never will: undone or reconciled before it came
};
enum class CompensationRecord : uint8_t {
  kNone = 0,
  kDone = 1,      // undone, or there was nothing to undo
  kRejected = 2,  // cannot be undone; `compensation_reason`
};

// All that is kept of an action and its compensation: one row under the action's key.
struct BarrierRecord {
  ActionRecord action = ActionRecord::kBlocked;
  Hash128 action_fingerprint;  // zero when kBlocked: a block holds for every request
  std::string text;
  CompensationRecord compensation = CompensationRecord::kNone;
  Hash128 compensation_fingerprint;
  std::string compensation_reason;

  friend bool operator==(const BarrierRecord&, const BarrierRecord&) = default;
};

// A verdict whose output is still encoded.
struct BarrierReply {
  VerdictKind kind = VerdictKind::kUnknown;
  std::string text;  // the output when kDone, otherwise the reason
  std::optional<absl::Duration> delay;

  friend bool operator==(const BarrierReply&, const BarrierReply&) = default;
};

// Either `run` the user's function, or answer `reply` once `record`, if any, is durable.
struct Decision {
  bool run = false;
  BarrierReply reply;
  std::optional<BarrierRecord> record;
};

// `record`: what stands under the key, nullopt for nothing. `floor`: the highest seen of
// request.key.store, before this request.
SKALD_EXPORT Decision Decide(BarrierVerb verb, const BarrierRequest& request,
                             const std::optional<BarrierRecord>& record, Incarnation floor);

// The row to write for what the function said; nullopt when it is not to be recorded.
// REQUIRES: Decide said `run` to the same arguments.
SKALD_EXPORT std::optional<BarrierRecord> Record(BarrierVerb verb, const BarrierRequest& request,
                                                 const std::optional<BarrierRecord>& record,
                                                 const BarrierReply& reply);

// Whether a floor may be learned from a request: one above its own key is a caller's mistake, and
// would shut out live sagas.
SKALD_EXPORT bool IsPlausibleFloor(const BarrierRequest& request);

// ---- the rows; grammar in docs/formats/barrier.md
// -------------------------------------------------

// REQUIRES: IsBarrierName(name), for all of these.
SKALD_EXPORT bool IsBarrierName(std::string_view name);
// Of an action and its compensation, whichever `key` names. Sorts by store, then incarnation.
SKALD_EXPORT std::string BarrierRowKey(std::string_view name, const EffectKey& key);
// The first key of `store` at or above `incarnation`.
SKALD_EXPORT std::string BarrierRowBound(std::string_view name, StoreId store,
                                         Incarnation incarnation);
// The checksum covers the row's key too: a row in another one's place does not read.
SKALD_EXPORT std::string EncodeBarrierRecord(std::string_view row_key, const BarrierRecord& record);
// RETURNS: DataLoss, naming the key; Unimplemented for a newer format.
SKALD_EXPORT absl::StatusOr<BarrierRecord> DecodeBarrierRecord(std::string_view row_key,
                                                               std::string_view value);

// The floor row of one store, and the prefix of all of them.
SKALD_EXPORT std::string BarrierFloorPrefix(std::string_view name);
SKALD_EXPORT std::string BarrierFloorKey(std::string_view name, StoreId store);
SKALD_EXPORT std::string EncodeBarrierFloor(std::string_view row_key, Incarnation floor);
struct BarrierFloor {
  StoreId store{};
  Incarnation floor{};
};
// RETURNS: as DecodeBarrierRecord.
SKALD_EXPORT absl::StatusOr<BarrierFloor> DecodeBarrierFloor(std::string_view row_key,
                                                             std::string_view value);

}  // namespace skald::inline v1
