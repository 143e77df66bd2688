#include "notices.h"

#include <fmt/core.h>

namespace skald::inline v1::rocks {

void Notices::Add(Severity severity, std::string_view kind, std::string message) {
  if (observer_ == nullptr) return;
  MutexLock lock(mutex_);
  if (waiting_.size() >= kWaitingMax) {
    ++dropped_;
    return;
  }
  waiting_.push_back({severity, std::string(kind), std::move(message), clock_.Wall()});
}

void Notices::Deliver() {
  if (observer_ == nullptr) return;
  std::vector<Waiting> waiting;
  uint64_t dropped = 0;
  {
    MutexLock lock(mutex_);
    if (waiting_.empty()) return;
    waiting.swap(waiting_);
    dropped = std::exchange(dropped_, 0);
  }
  for (const Waiting& each : waiting) {
    observer_->OnNotice({each.severity, each.kind, subject_, each.message, each.time});
  }
  if (dropped == 0) return;
  observer_->OnNotice({Severity::kWarning, "store-notices-dropped", subject_,
                       fmt::format("{} more notices of this store were not kept", dropped),
                       clock_.Wall()});
}

}  // namespace skald::inline v1::rocks
