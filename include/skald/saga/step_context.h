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
  // The names outlive the context.
  struct Fields {
    EffectKey idempotency_key;
    std::string_view definition;
    std::string_view key;
    std::string_view step;
    uint32_t attempt = 1;
    bool may_be_repeated = false;
    Incarnation floor{};
    uint16_t writer = 0;  // with `epoch` and the key's store, the fence
    uint64_t epoch = 0;
    Deadline deadline;
    std::stop_token stop;
  };

  explicit StepContext(Fields&& fields)
      : idempotency_key_(fields.idempotency_key),
        definition_(fields.definition),
        step_(fields.step),
        key_(fields.key),
        attempt_(fields.attempt),
        writer_(fields.writer),
        may_be_repeated_(fields.may_be_repeated),
        epoch_(fields.epoch),
        floor_(fields.floor),
        deadline_(fields.deadline),
        stop_(std::move(fields.stop)) {}

  // Send this with every effect: the same on each attempt of this action or compensation.
  const EffectKey& idempotency_key() const { return idempotency_key_; }
  // In a compensation: what its action sent.
  // REQUIRES: direction() == Direction::kCompensation.
  EffectKey action_key() const {
    SKALD_CHECK(direction() == Direction::kCompensation, "action_key() outside a compensation");
    EffectKey key = idempotency_key_;
    key.direction = Direction::kAction;
    return key;
  }
  Direction direction() const { return idempotency_key_.direction; }

  SagaId saga_id() const { return idempotency_key_.saga; }
  std::string_view definition() const { return definition_; }
  // The business key the saga was started under.
  std::string_view key() const { return key_; }
  std::string_view step() const { return step_; }

  // Counts from 1 in this process; a restart counts anew.
  uint32_t attempt() const { return attempt_; }
  // True when an earlier attempt may have happened (a restart, a time-out, an Unknown).
  bool may_be_repeated() const { return may_be_repeated_; }

  // Every live saga of this store has at least this incarnation; a barrier may forget older ones.
  Incarnation floor() const { return floor_; }
  // For participants that guard by epoch: a newer owner of the sagas has a higher one.
  Fence fence() const {
    return {.store = idempotency_key_.store, .writer = writer_, .epoch = epoch_};
  }

  // The attempt's own deadline; what is called from here gets no more.
  Deadline deadline() const { return deadline_; }
  // The same attempt, told of another deadline.
  StepContext WithDeadline(Deadline deadline) const {
    StepContext other = *this;
    other.deadline_ = deadline;
    return other;
  }
  // Callbacks on it must not block. A step marked Inline gets one that never stops.
  // Stops at the deadline, at Shutdown and, before the pivot, at Cancel.
  const std::stop_token& stop_token() const { return stop_; }

 private:
  EffectKey idempotency_key_;
  std::string_view definition_;
  std::string_view step_;
  std::string_view key_;
  uint32_t attempt_;
  uint16_t writer_;
  bool may_be_repeated_;
  uint64_t epoch_;
  Incarnation floor_;
  Deadline deadline_;
  std::stop_token stop_;
};

}  // namespace skald::inline v1
