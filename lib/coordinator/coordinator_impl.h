// What a Coordinator is behind its public face: opening and stopping (coordinator_life.cc), starts,
// questions and verbs on their way to the shards (coordinator_ask.cc).
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core.h"
#include "shard.h"
#include "skald/coordinator/coordinator.h"

namespace skald::inline v1 {

namespace internal {

// What is told of a coordinator that is going, or gone.
inline absl::Status Gone() {
  return absl::UnavailableError(
      "the coordinator is shutting down; what was asked may have happened: open again and ask with "
      "the same key");
}

inline Message CallOnLoop(absl::AnyInvocable<void(Shard&) &&> call) {
  return {.kind = Message::Kind::kCall, .object = nullptr, .call = std::move(call)};
}

}  // namespace internal

class Coordinator::Impl {
 public:
  Impl(CoordinatorOptions options, Executor& steps)
      : core_(std::make_shared<internal::Core>(std::move(options), steps)) {}
  ~Impl();

  absl::Status Open();
  absl::Status Open(Store& store, std::vector<Definition> definitions);
  absl::Status Open(Committer& committer, std::vector<Definition> definitions);

  void Start(std::string_view definition, uint32_t version, internal::EncodeRef input,
             StartOptions options, internal::StartedCallback done);
  absl::StatusOr<internal::Started> Find(std::string_view definition, std::string_view key);
  using ShardVerb = absl::AnyInvocable<void(internal::Shard&, internal::AnswerCallback) &&>;
  // What is said of a saga that is not in memory.
  using OfAbsent = absl::AnyInvocable<absl::Status() &&>;
  void OnShard(SagaId id, ShardVerb verb, OfAbsent of_absent, VerbCallback done);
  void Signal(SagaId id, internal::SignalRequest signal, VerbCallback done);
  absl::StatusOr<SagaDetails> Show(SagaId id);
  absl::StatusOr<SagaDetails> ShowStored(SagaId id);
  absl::Status OfFinished(SagaId id);
  absl::StatusOr<std::vector<SagaInfo>> List(const SagaFilter& filter);
  absl::Status Shutdown(absl::Duration timeout);
  absl::Status Stop();
  bool PollOnce();

  internal::Core& core() { return *core_; }
  bool pumped() const { return !core_->options.own_threads; }
  // Blocks until `ready`; pumps meanwhile, the shared committer too, when nobody else does.
  template <typename T>
  T Wait(std::future<T> future);
  // What `ask` answers, by blocking.
  template <typename Ask>
  absl::Status Blocking(Ask ask) {
    std::promise<absl::Status> promise;
    std::future<absl::Status> future = promise.get_future();
    ask([promise = std::move(promise)](const absl::Status& status) mutable {
      promise.set_value(status);
    });
    return Wait(std::move(future));
  }

 private:
  absl::Status Register(std::vector<Definition> definitions);
  absl::Status CheckSagas(const internal::DefinitionData& data) const;
  absl::Status SettleQueue(Committer& committer);
  absl::Status CheckBounds() const;
  absl::Status CheckTime(absl::Time last) const;
  absl::Status Admit();
  absl::Status CheckKey(std::string_view key) const;
  absl::Status EncodeInput(internal::EncodeRef input, std::string* bytes) const;

  std::shared_ptr<internal::Core> core_;
  std::vector<std::jthread> loops_;
  bool opened_ = false;
  std::atomic<bool> stopped_{false};
};

template <typename T>
T Coordinator::Impl::Wait(std::future<T> future) {
  while (pumped() && future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    bool any = PollOnce();
    if (!core_->owned_committer && core_->committer->pumped()) {
      any = core_->committer->PollOnce() || any;
    }
    if (!any) std::this_thread::yield();
  }
  try {
    return future.get();
  } catch (const std::future_error&) {
    // Asked while the coordinator went away: the question was dropped.
    if constexpr (std::is_constructible_v<T, absl::Status>) return T(internal::Gone());
    return T{};
  }
}

}  // namespace skald::inline v1
