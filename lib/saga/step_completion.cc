#include "skald/saga/step_completion.h"

#include <fmt/core.h>

#include <utility>

namespace skald::inline v1::internal {

CompletionState::CompletionState(Call& call)
    : call_(&call),
      reporter_(call.reporter == nullptr ? std::weak_ptr<MisuseReporter>() : *call.reporter),
      what_(fmt::format("step '{}' of '{}' (key '{}')", call.context->step(),
                        call.context->definition(), call.context->key())) {}

CompletionState::~CompletionState() {
  if (AttemptResult* result = said_.load() ? nullptr : Begin()) {
    SayNotDone(*result, Unknown("its completion was dropped without a verdict"));
    Finish();
  }
}

AttemptResult* CompletionState::Begin() {
  if (!said_.exchange(true, std::memory_order_acq_rel)) return call_->result;
  if (const std::shared_ptr<MisuseReporter> reporter = reporter_.lock()) {
    reporter->Report(
        "completion-called-twice",
        fmt::format("{}: its completion was called again; the first verdict counts", what_));
  }
  return nullptr;
}

void CompletionState::Finish() {
  if (!call_->MeetSecond()) return;    // the caller sees it when the function returns
  auto done = std::move(call_->done);  // which may end the life of the call
  std::move(done)();
}

}  // namespace skald::inline v1::internal
