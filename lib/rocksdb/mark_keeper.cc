#include "mark_keeper.h"

#include <fmt/core.h>

#include "skald/base/strings.h"

namespace skald::inline v1::rocks {

MarkKeeper::MarkKeeper(Mark& mark, Notices& notices, absl::Duration interval)
    : mark_(mark), notices_(notices), interval_(interval), thread_([this] { Run(); }) {}

MarkKeeper::~MarkKeeper() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    stop_asked_.NotifyAll();
  }
  thread_.join();
  SyncOnce();
}

void MarkKeeper::Run() {
  MutexLock lock(mutex_);
  while (!stop_) {
    stop_asked_.WaitFor(mutex_, interval_);
    if (stop_) return;
    lock.Unlock();
    SyncOnce();
    lock.Lock();
  }
}

void MarkKeeper::SyncOnce() {
  const absl::Status status = mark_.Sync();
  if (!status.ok() && !failing_) {
    notices_.Add(
        Severity::kWarning, "store-mark-not-synced",
        fmt::format("{}. Commits are durable as before; until it succeeds again, a damaged "
                    "log could go unnoticed after a power loss",
                    ToStd(status.message())));
  }
  failing_ = !status.ok();
  notices_.Deliver();
}

}  // namespace skald::inline v1::rocks
