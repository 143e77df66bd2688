// The barrier without a store: what the record of a key says to a request, and what to record.
// Pure: no clock, no lock, no I/O, so that every adapter shares it and a test can walk all its
// states.
//
// An adapter does, for one call:
//
//   read the row under BarrierRowKey(name, request.key); `record` = DecodeBarrierRecord(…)
//   Decision decision = Decide(verb, request, record, floor);
//   if (!decision.run) put decision.record, if any; answer decision.reply
//   if (decision.run)  `reply` = what the user's function said; put Record(…, reply), if any, with
//                      the function's own writes if and only if reply.kind is Done; answer `reply`
//   … in one atomic batch that applies only if the row read is still the same.
//
// The floor is read after the row: rows are dropped only after the floor rose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier_record.h"
#include "skald/participant/barrier_request.h"

namespace skald::inline v1 {

enum class BarrierVerb : uint8_t { kAction = 1, kCompensation = 2, kReconcile = 3 };

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

}  // namespace skald::inline v1
