// The barrier over a Committer.
#include "skald/participant/barrier.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/participant/internal/barrier_core.h"
#include "skald/participant/internal/committer_port.h"

namespace skald::inline v1 {

using internal::BarrierBody;
using internal::BarrierDone;

class Barrier::Impl : public internal::BarrierCore<internal::CommitterPort> {
 public:
  using BarrierCore::BarrierCore;

  void RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body, BarrierDone done);

 private:
  // What a call that does not wait for a thread carries to its callback.
  struct Call {
    BarrierVerb verb{};
    EffectKey key;
    Ready ready;
    BarrierDone done;
  };
  static constexpr size_t kSpareCallsMax = 1024;

  std::unique_ptr<Call> TakeCall() SKALD_EXCLUDES(spare_mutex_);
  void GiveBack(std::unique_ptr<Call> call) SKALD_EXCLUDES(spare_mutex_);
  void Answer(std::unique_ptr<Call> call, const absl::Status& status);

  // Calls are made on one thread and end on another: were each given back to malloc there, the two
  // would often wait for each other in it.
  Mutex spare_mutex_;
  std::vector<std::unique_ptr<Call>> spare_ SKALD_GUARDED_BY(spare_mutex_);
};

std::unique_ptr<Barrier::Impl::Call> Barrier::Impl::TakeCall() {
  {
    MutexLock lock(spare_mutex_);
    if (!spare_.empty()) {
      std::unique_ptr<Call> call = std::move(spare_.back());
      spare_.pop_back();
      return call;
    }
  }
  return std::make_unique<Call>();
}

void Barrier::Impl::GiveBack(std::unique_ptr<Call> call) {
  {
    const Ready gone = std::move(call->ready);  // with the memory of its texts
  }
  call->ready = Ready();
  MutexLock lock(spare_mutex_);
  if (spare_.size() < kSpareCallsMax) spare_.push_back(std::move(call));
}

void Barrier::Impl::Answer(std::unique_ptr<Call> call, const absl::Status& status) {
  const BarrierVerb verb = call->verb;
  const EffectKey key = call->key;
  BarrierReply reply = Settle(call->ready, status);
  BarrierDone done = std::move(call->done);
  // Before it leaves: the barrier may be gone once a callback has run.
  GiveBack(std::move(call));
  Leave(verb, key, std::move(reply), std::move(done));
}

void Barrier::Impl::RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body,
                            BarrierDone done) {
  bool waits = false;
  if (auto refused = Begin(verb, request, done, waits)) return std::move(done)(*std::move(refused));
  if (waits) return;
  std::unique_ptr<Call> call = TakeCall();
  call->verb = verb;
  call->key = request.key;
  call->done = std::move(done);
  absl::Status status;
  uint32_t conflicts = 0;
  do {
    call->ready = Prepare(verb, request, body);
    status = call->ready.status();
    if (!call->ready.rows) continue;
    // The call is its callback's from when the commit is accepted, which calls it in any case;
    // after a refusal it is still ours.
    Call* const own = call.get();
    Transaction rows = *std::exchange(own->ready.rows, std::nullopt);
    status = std::move(rows).CommitThen([this, own](const absl::Status& committed) {
      Answer(std::unique_ptr<Call>(own), committed);
    });
    if (status.ok()) return static_cast<void>(call.release());
    Forget(call->ready);
  } while (Again(status, conflicts));
  Answer(std::move(call), status);
}

absl::StatusOr<std::unique_ptr<Barrier>> Barrier::Open(Committer& committer,
                                                       BarrierOptions options) {
  SKALD_RETURN_IF_ERROR(internal::CheckOptions(options));
  auto impl = std::make_unique<Impl>(internal::CommitterPort(committer), std::move(options));
  SKALD_RETURN_IF_ERROR(impl->LoadFloors());
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
  return impl_->Sweep();
}

}  // namespace skald::inline v1
