#include "skald/saga/internal/call.h"

#include <fmt/core.h>

#include <memory>
#include <string_view>

#include "skald/base/ids.h"
#include "skald/saga/internal/say.h"

namespace skald::inline v1::internal {

void Call::Renew() {
  // Copies of the former attempt's completion, which wrote these too, were seen to go.
  copies_.store(0, std::memory_order_relaxed);
  owners_.store(1, std::memory_order_relaxed);
  met_.store(false, std::memory_order_relaxed);
  said_.store(false, std::memory_order_relaxed);
  first_step_ = 0;
  result.Reset();
}

void Call::HoldFirst() {
  copies_.store(1, std::memory_order_relaxed);
  owners_.store(2, std::memory_order_relaxed);
}

void Call::LetGo() {
  if (copies_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!said_.exchange(true, std::memory_order_acq_rel)) {
    SayNotDone(result, Unknown("its completion was dropped without a verdict"));
    End();
  }
  if (Release()) delete this;
}

bool Call::BeginVerdict() {
  if (!said_.exchange(true, std::memory_order_acq_rel)) return true;
  Report("completion-called-twice", "its completion was called again; the first verdict counts");
  return false;
}

void Call::EndWithException() {
  if (!said_.exchange(true, std::memory_order_acq_rel)) {
    SayException(result);
    End();
    return;
  }
  AttemptResult thrown;
  SayException(thrown);
  Report(
      "completion-called-then-threw",
      fmt::format("it called its completion and then threw; the verdict counts. {}", thrown.text));
}

void Call::Report(std::string_view kind, std::string_view what) const {
  const std::shared_ptr<MisuseReporter> reports = reporter.lock();
  if (reports == nullptr) return;
  // The saga's key may be gone by now.
  reports->Report(kind, fmt::format("step '{}' of '{}' (saga {}): {}", context.step(),
                                    context.definition(), ToString(context.saga_id()), what));
}

}  // namespace skald::inline v1::internal
