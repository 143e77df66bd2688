// Things to be done later, by one thread of their own. What is left when it is destroyed is not
// done.
#pragma once

#include <cstdint>
#include <map>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "skald/base/mutex.h"

namespace order_flow {

// THREADS: any.
class Errands {
 public:
  Errands();
  ~Errands();

  void After(absl::Duration delay, absl::AnyInvocable<void() &&> work) SKALD_EXCLUDES(mutex_);

 private:
  void Loop() SKALD_EXCLUDES(mutex_);

  skald::Mutex mutex_;
  skald::CondVar changed_;
  std::multimap<absl::Duration, absl::AnyInvocable<void() &&>> by_time_ SKALD_GUARDED_BY(mutex_);
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace order_flow
