// The one thread of a store: forces the mark to disk at an interval and hands notices over.
#pragma once

#include <thread>

#include "absl/time/time.h"
#include "mark.h"
#include "notices.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

class MarkKeeper {
 public:
  // Both outlive the keeper.
  MarkKeeper(Mark& mark, Notices& notices, absl::Duration interval);
  // Joins the thread and syncs the mark a last time.
  ~MarkKeeper();
  MarkKeeper(const MarkKeeper&) = delete;
  MarkKeeper& operator=(const MarkKeeper&) = delete;

 private:
  void Run() SKALD_EXCLUDES(mutex_);
  void SyncOnce();

  Mark& mark_;
  Notices& notices_;
  const absl::Duration interval_;
  bool failing_ = false;  // of the thread that syncs
  Mutex mutex_;
  CondVar stop_asked_;
  bool stop_ SKALD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace skald::inline v1::rocks
