// What a handle and the coordinator share about one saga: where it has come to rest, and who waits.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/base/mutex.h"
#include "skald/saga/state.h"

namespace skald::inline v1::internal {

// A saga at rest: terminal or stuck.
struct Settled {
  SagaState state = SagaState::kCompleted;
  std::string reason;
  std::string step;
  std::optional<std::string> result;  // encoded; kCompleted with Returns only
};

using SettledCallback = absl::AnyInvocable<void(const absl::StatusOr<Settled>&) &&>;

// THREADS: any. The owner's loop settles it; a saga that leaves Stuck unsettles it again.
class SKALD_EXPORT Watch {
 public:
  explicit Watch(std::string key) : key_(std::move(key)) {}

  const std::string& key() const { return key_; }
  SagaId id() const { return id_; }

  // Blocks. DeadlineExceeded: not at rest yet. Unavailable: the coordinator is gone.
  absl::StatusOr<Settled> Wait(absl::Duration timeout);
  // Calls `done` once: at once on this thread when at rest, else on the loop that settles it.
  void Then(SettledCallback done);

  // Where it has come to rest; nullopt: it has not.
  std::optional<absl::StatusOr<Settled>> Peek();

  // The owner's side. SetId comes before the watch is shown to anyone.
  void SetId(SagaId id) { id_ = id; }
  void Settle(absl::StatusOr<Settled> outcome);
  void Unsettle();
  // By a callback. (Whoever blocks holds the watch.)
  bool IsWaitedFor();

 private:
  const std::string key_;
  SagaId id_;
  Mutex mutex_;
  CondVar settled_;
  std::optional<absl::StatusOr<Settled>> outcome_ SKALD_GUARDED_BY(mutex_);
  absl::InlinedVector<SettledCallback, 1> waiting_ SKALD_GUARDED_BY(mutex_);
};

using WatchPtr = std::shared_ptr<Watch>;

struct Started {
  WatchPtr watch;
  bool existed = false;
};

// Appends an encoded value to a string that the coordinator has from an earlier saga.
using EncodeRef = absl::FunctionRef<absl::Status(std::string*)>;
using StartedCallback = absl::AnyInvocable<void(absl::StatusOr<Started>) &&>;

}  // namespace skald::inline v1::internal
