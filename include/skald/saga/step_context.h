// What a step function is told about the attempt it is.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "skald/async/deadline.h"
#include "skald/base/check.h"
#include "skald/base/ids.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// The coordinator keeps it alive until the call has returned or the coroutine frame is gone.
// THREADS: read-only, any.
class StepContext {
 public:
  struct Fields {
    EffectKey idempotency_key;
    SagaId saga;
    std::string_view definition;
    std::string_view key;
    std::string_view step;
    uint32_t attempt = 1;
    bool may_be_repeated = false;
    Incarnation floor{};
    Fence fence;
    Deadline deadline;
    std::stop_token stop;
  };

  explicit StepContext(Fields&& fields) : fields_(std::move(fields)) {}

  // Send this with every effect: the same on each attempt of this action or compensation.
  const EffectKey& idempotency_key() const { return fields_.idempotency_key; }
  // In a compensation: what its action sent.
  // REQUIRES: direction() == Direction::kCompensation.
  EffectKey action_key() const {
    SKALD_CHECK(direction() == Direction::kCompensation, "action_key() outside a compensation");
    EffectKey key = fields_.idempotency_key;
    key.direction = Direction::kAction;
    return key;
  }
  Direction direction() const { return fields_.idempotency_key.direction; }

  SagaId saga_id() const { return fields_.saga; }
  std::string_view definition() const { return fields_.definition; }
  // The business key the saga was started under.
  std::string_view key() const { return fields_.key; }
  std::string_view step() const { return fields_.step; }

  // Counts from 1 in this process; a restart counts anew.
  uint32_t attempt() const { return fields_.attempt; }
  // True when an earlier attempt may have happened (a restart, a time-out, an Unknown).
  bool may_be_repeated() const { return fields_.may_be_repeated; }

  // Every live saga of this store has at least this incarnation; a barrier may forget older ones.
  Incarnation floor() const { return fields_.floor; }
  // For participants that guard by epoch: a newer owner of the sagas has a higher one.
  const Fence& fence() const { return fields_.fence; }

  // The attempt's own deadline; what is called from here gets no more.
  Deadline deadline() const { return fields_.deadline; }
  // The same attempt, told of another deadline.
  StepContext WithDeadline(Deadline deadline) const {
    Fields fields = fields_;
    fields.deadline = deadline;
    return StepContext(std::move(fields));
  }
  // Callbacks on it must not block. A step marked Inline gets one that never stops.
  // Stops at the deadline, at Shutdown and, before the pivot, at Cancel.
  const std::stop_token& stop_token() const { return fields_.stop; }

 private:
  Fields fields_;
};

}  // namespace skald::inline v1
