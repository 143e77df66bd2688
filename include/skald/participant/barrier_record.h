// The rows in which a barrier remembers: one per action and its compensation, one floor per
// coordinator's store. The byte grammar stands in docs/formats/barrier.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"

namespace skald::inline v1 {

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
