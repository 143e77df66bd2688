// A publisher that keeps what it is given: for tests, and for hosts whose consumers are in the same
// process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "skald/base/mutex.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1 {

// THREADS: any.
class MemoryPublisher final : public Publisher {
 public:
  struct Published {
    std::string outbox;
    uint64_t id = 0;
    Message message;
  };

  // Asked before each message is taken: anything but OK is its answer.
  explicit MemoryPublisher(std::function<absl::Status(const OutgoingMessage&)> answer = nullptr)
      : answer_(std::move(answer)) {}

  void Publish(const OutgoingMessage& message, Done done) override {
    const absl::Status status = answer_ ? answer_(message) : absl::OkStatus();
    if (status.ok()) {
      const MutexLock lock(mutex_);
      published_.push_back({std::string(message.outbox), message.id, message.message});
    }
    std::move(done)(status);
  }

  std::vector<Published> published() const {
    const MutexLock lock(mutex_);
    return published_;
  }

 private:
  const std::function<absl::Status(const OutgoingMessage&)> answer_;
  mutable Mutex mutex_;
  std::vector<Published> published_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1
