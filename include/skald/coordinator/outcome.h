// How a saga ended, or why it stands still.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "skald/base/ids.h"
#include "skald/saga/state.h"

namespace skald::inline v1 {

template <typename Result>
class Outcome {
 public:
  Outcome(SagaId id, SagaState state, std::string reason, std::string step,
          std::optional<Result> result)
      : id_(id),
        state_(state),
        reason_(std::move(reason)),
        step_(std::move(step)),
        result_(std::move(result)) {}

  SagaId id() const { return id_; }
  // kCompleted, kCompensated, kAbandoned or kStuck.
  SagaState state() const { return state_; }
  bool completed() const { return state_ == SagaState::kCompleted; }
  // Why it was undone, is stuck or was abandoned; empty when completed.
  const std::string& reason() const { return reason_; }
  // The step that caused the turn or that blocks; may be empty.
  const std::string& step() const { return step_; }
  // Null unless completed.
  const Result* result() const { return result_ ? &*result_ : nullptr; }

 private:
  SagaId id_;
  SagaState state_;
  std::string reason_;
  std::string step_;
  std::optional<Result> result_;
};

}  // namespace skald::inline v1
