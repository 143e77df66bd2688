#include "skald/saga/step_completion.h"

#include <fmt/core.h>

#include <utility>

namespace skald::inline v1::internal {

CompletionState::CompletionState(Call& call)
    : call_(&call),
      reporter_(call.reporter),
      definition_(call.context->definition()),
      step_(call.context->step()),
      key_(call.context->key()) {}

CompletionState::~CompletionState() {
  if (Call* call = call_.exchange(nullptr, std::memory_order_acq_rel)) {
    SayNotDone(*call->result, Unknown("its completion was dropped without a verdict"));
    Finish(*call);
  }
}

Call* CompletionState::Begin() {
  if (Call* call = call_.exchange(nullptr, std::memory_order_acq_rel)) return call;
  if (const std::shared_ptr<MisuseReporter> reporter = reporter_.lock()) {
    reporter->Report(
        "completion-called-twice",
        fmt::format("step '{}' of '{}' (key '{}'): its completion was called again; the first "
                    "verdict counts",
                    step_, definition_, key_));
  }
  return nullptr;
}

void CompletionState::Finish(Call& call) {
  // Otherwise the caller sees it when the function returns.
  if (call.MeetSecond()) call.done(call);
}

}  // namespace skald::inline v1::internal
