#include "skald/participant/internal/barrier_core.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "skald/base/strings.h"

namespace skald::inline v1::internal {

absl::Status CheckOptions(const BarrierOptions& options) {
  if (!IsBarrierName(options.name)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no name for a barrier: 1 to 32 of a-z 0-9 - _ . are", options.name));
  }
  if (options.floor_step == 0) {
    return absl::InvalidArgumentError("floor_step is 0: the floor would be written for ever");
  }
  return absl::OkStatus();
}

BarrierReply ReplyLater(std::string why) {
  return {.kind = VerdictKind::kRetryLater, .text = std::move(why)};
}

BarrierReply ReplyOfFailedCommit(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInvalidArgument:
      return ReplyLater(fmt::format("not committed: {}", ToStd(status.message())));
    default:
      return ReplyUnknown("committing", status);
  }
}

BarrierReply ForWaiter(BarrierReply reply) {
  if (reply.kind == VerdictKind::kRejected) reply.kind = VerdictKind::kRejectedForKey;
  return reply;
}

void ReplySlot::Set(BarrierReply reply) {
  MutexLock lock(mutex_);
  reply_ = std::move(reply);
  answered_.NotifyAll();  // under the lock: the waiter may be gone right after it
}

BarrierReply ReplySlot::Wait() {
  MutexLock lock(mutex_);
  while (!reply_) answered_.Wait(mutex_);
  return *std::move(reply_);
}

}  // namespace skald::inline v1::internal
