// The lock without the network: what is asked when, and what an answer means. Deterministic, given
// a connection, a clock and randomness.
//
//   free --SET NX PX--> held --renewals--> lapsed, taken from us, or given up --> free
//
// An answer that did not come leaves a token of ours in Redis, perhaps: `doubt_`. Then it is asked
// for by a script that knows that token, instead of waiting until it lapses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connection.h"
#include "skald/async/internal/poll_thread.h"
#include "skald/base/mutex.h"
#include "skald/redis/redis_lock.h"

namespace skald::inline v1::internal {

// THREADS: any.
class RedisLockCore {
 public:
  // REQUIRES: options that RedisLock::Open accepts.
  RedisLockCore(RedisLockOptions options, std::unique_ptr<RedisConnection> connection);

  // All as RedisLock's.
  bool Held() const SKALD_EXCLUDES(mutex_);
  std::stop_token stop_token() const SKALD_EXCLUDES(mutex_);
  absl::Status status() const SKALD_EXCLUDES(mutex_);
  absl::Status Release() SKALD_EXCLUDES(mutex_);
  absl::Duration Poll() SKALD_EXCLUDES(mutex_);

  // The thread that polls begins; ends, if there is one, and nothing is believed any more.
  void Run();
  void Stop() SKALD_EXCLUDES(mutex_);

 private:
  enum class Asked : uint8_t { kTake, kReclaim, kRenew, kRelease };
  struct Request {
    Asked asked = Asked::kTake;
    std::string token;
    RedisCommand command;
    absl::Duration timeout;
  };
  // What the host has not been told yet.
  struct News {
    std::vector<std::stop_source> ended;
    std::optional<absl::Status> lost;
    std::optional<absl::Status> error;
    bool taken = false;
  };

  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Duration Part(int thirds) const { return options_.duration * thirds / 3; }
  void NoticeDeadline() SKALD_EXCLUDES(mutex_);
  std::optional<Request> NextRequest() SKALD_EXCLUDES(mutex_);
  RedisCommand Script(std::string_view script, std::vector<std::string> arguments) const;
  absl::StatusOr<bool> Granted(Asked asked, const absl::StatusOr<RedisReply>& reply) const;
  void Answered(const Request& request, absl::Duration sent, const absl::StatusOr<bool>& granted)
      SKALD_EXCLUDES(mutex_);
  void Taken(const Request& request, absl::Duration sent) SKALD_REQUIRES(mutex_);
  void Renewed(const Request& request, absl::Duration sent) SKALD_REQUIRES(mutex_);
  void Refused(const Request& request) SKALD_REQUIRES(mutex_);
  void Failed(const Request& request, const absl::Status& why) SKALD_REQUIRES(mutex_);
  void Lapse() SKALD_REQUIRES(mutex_);
  void Lose(absl::Status why) SKALD_REQUIRES(mutex_);
  void Tell() SKALD_EXCLUDES(mutex_);
  std::string NewToken() SKALD_REQUIRES(mutex_);
  absl::Duration Jitter(absl::Duration most) SKALD_REQUIRES(mutex_);

  RedisLockOptions options_;
  const std::string key_;
  const std::string milliseconds_;
  const absl::Duration timeout_;  // of a command, at most
  // Used by who has set `busy_`, without a lock.
  const std::unique_ptr<RedisConnection> connection_;

  mutable Mutex mutex_;
  CondVar changed_;  // who gives it up waits here for a command that is under way
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  bool busy_ SKALD_GUARDED_BY(mutex_) = false;  // a command is under way
  bool held_ SKALD_GUARDED_BY(mutex_) = false;
  std::string token_ SKALD_GUARDED_BY(mutex_);        // of this holding
  std::string candidate_ SKALD_GUARDED_BY(mutex_);    // of the next one; empty: not drawn yet
  std::string past_ SKALD_GUARDED_BY(mutex_);         // of the last one, where it may be left
  bool doubt_ SKALD_GUARDED_BY(mutex_) = false;       // Redis may have candidate_ or past_
  absl::Duration deadline_ SKALD_GUARDED_BY(mutex_);  // of believing in it
  absl::Duration due_ SKALD_GUARDED_BY(mutex_);       // to ask, or to renew
  int failures_ SKALD_GUARDED_BY(mutex_) = 0;         // in a row
  absl::Status status_ SKALD_GUARDED_BY(mutex_);
  std::stop_source lost_ SKALD_GUARDED_BY(mutex_);
  News news_ SKALD_GUARDED_BY(mutex_);
  internal::PollThread thread_;
};

}  // namespace skald::inline v1::internal
