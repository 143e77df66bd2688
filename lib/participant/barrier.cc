// The barrier over a Committer.
#include "skald/participant/barrier.h"

#include <memory>
#include <string>
#include <utility>

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
    BarrierVerb verb;
    EffectKey key;
    Ready ready;
    BarrierDone done;
  };
};

void Barrier::Impl::RunThen(BarrierVerb verb, const BarrierRequest& request, BarrierBody body,
                            BarrierDone done) {
  bool waits = false;
  if (auto refused = Begin(verb, request, done, waits)) return std::move(done)(*std::move(refused));
  if (waits) return;
  const auto call = std::make_shared<Call>(Call{verb, request.key, {}, std::move(done)});
  absl::Status status;
  uint32_t conflicts = 0;
  do {
    call->ready = Prepare(verb, request, body);
    status = call->ready.status();
    if (!call->ready.rows) continue;
    // After a refusal of CommitThen the callback is gone uncalled, and the call is still ours.
    status = std::move(*call->ready.rows).CommitThen([this, call](const absl::Status& committed) {
      Leave(call->verb, call->key, Settle(call->ready, committed), std::move(call->done));
    });
    if (status.ok()) return;
    Forget(call->ready);
  } while (Again(status, conflicts));
  Leave(call->verb, call->key, Settle(call->ready, status), std::move(call->done));
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
