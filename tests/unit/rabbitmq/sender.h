// Hands messages to a publisher, as a relay does, and collects what is answered.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/participant/outbox.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald_test {

class Sender {
 public:
  // An id that was answered may be sent again.
  void Send(skald::Publisher& publisher, uint64_t id, skald::Message message,
            absl::Time added = skald::Clock::Real().Wall()) {
    messages_.push_back(std::move(message));
    {
      const skald::MutexLock lock(mutex_);
      answers_.erase(id);
    }
    publisher.Publish({"orders", id, added, messages_.back()},
                      [this, id](const absl::Status& status) {
                        const skald::MutexLock lock(mutex_);
                        answers_.emplace(id, status);
                        ++count_;
                        changed_.NotifyAll();
                      });
  }

  // The answer to `id`; DeadlineExceeded: there is none in time.
  absl::Status Answer(uint64_t id, absl::Duration patience = absl::Seconds(60)) {
    const absl::Duration end = skald::Clock::Real().Boot() + patience;
    skald::MutexLock lock(mutex_);
    while (!answers_.contains(id)) {
      const absl::Duration left = end - skald::Clock::Real().Boot();
      if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("there is no answer");
      changed_.WaitFor(mutex_, left);
    }
    return answers_.at(id);
  }
  // How often anything was answered.
  size_t count() {
    const skald::MutexLock lock(mutex_);
    return count_;
  }
  bool Answered(uint64_t id) {
    const skald::MutexLock lock(mutex_);
    return answers_.contains(id);
  }

  // Sends it, with new ids, until it is taken. RETURNS: the last answer.
  absl::Status SendUntilTaken(skald::Publisher& publisher, uint64_t first_id,
                              const skald::Message& message,
                              absl::Duration patience = absl::Seconds(60)) {
    const absl::Duration end = skald::Clock::Real().Boot() + patience;
    absl::Status last;
    for (uint64_t id = first_id; skald::Clock::Real().Boot() < end; ++id) {
      Send(publisher, id, message);
      last = Answer(id, patience);
      if (last.ok()) break;
    }
    return last;
  }

 private:
  std::deque<skald::Message> messages_;
  skald::Mutex mutex_;
  skald::CondVar changed_;
  std::map<uint64_t, absl::Status> answers_ SKALD_GUARDED_BY(mutex_);
  size_t count_ SKALD_GUARDED_BY(mutex_) = 0;
};

inline bool Says(const absl::Status& status, std::string_view part) {
  return status.ToString().find(std::string(part)) != std::string::npos;
}

// Looks until it is so.
template <typename Condition>
bool Becomes(Condition condition, absl::Duration patience = absl::Seconds(60)) {
  const absl::Duration end = skald::Clock::Real().Boot() + patience;
  skald::Mutex mutex;
  skald::CondVar never;
  while (!condition()) {
    if (skald::Clock::Real().Boot() > end) return false;
    const skald::MutexLock lock(mutex);
    never.WaitFor(mutex, absl::Milliseconds(5));
  }
  return true;
}

}  // namespace skald_test
