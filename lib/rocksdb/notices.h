// Notices wait here until a thread that holds no lock hands them to the observer: RocksDB speaks of
// its errors in the middle of a commit.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/base/observer.h"

namespace skald::inline v1::rocks {

// THREADS: any.
class Notices {
 public:
  Notices(Observer* observer, const Clock* clock, std::string subject)
      : observer_(observer), clock_(*clock), subject_(std::move(subject)) {}

  // Keeps at most kWaitingMax; what comes beyond is counted and told as a number.
  void Add(Severity severity, std::string_view kind, std::string message) SKALD_EXCLUDES(mutex_);
  // REQUIRES: the caller holds no lock.
  void Deliver() SKALD_EXCLUDES(mutex_);

 private:
  struct Waiting {
    Severity severity;
    std::string kind;
    std::string message;
    absl::Time time;
  };
  static constexpr size_t kWaitingMax = 64;  // an error that repeats says nothing new

  Observer* const observer_;
  const Clock& clock_;
  const std::string subject_;
  Mutex mutex_;
  std::vector<Waiting> waiting_ SKALD_GUARDED_BY(mutex_);
  uint64_t dropped_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1::rocks
