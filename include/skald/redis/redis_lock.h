// A lock in Redis: of several processes, one at a time does something, most of the time.
//
// It saves work that would be done twice. It does not keep what is done twice from being wrong:
// there is no fence, and two may hold it at once, when a process is paused between looking and
// acting, when a clock runs wrong, when Redis loses its data or a replica that had not heard of
// the lock is promoted. What must not be wrong uses skald::Lease and its Guard, over a store.
//
//   auto lock = skald::RedisLock::Open({.host = "10.0.0.5", .name = "nightly-report"});
//   if (!lock.ok()) return lock.status();
//   …
//   if ((*lock)->Held()) SendReport((*lock)->stop_token());  // twice would be a nuisance, no more
//
// The surface is that of skald::Lease, less the fence. Taken by SET NX PX under a token that is new
// for each holding; given up and renewed by scripts that first compare the token, so a late call
// touches nobody else's lock. The holder stops believing in it two thirds of the duration after it
// sent the last request that Redis granted, by its own boot clock, which counts while the machine
// sleeps; Redis gives it to another after the whole.
//
// One Redis, or one that fails over; no quorum of several, and no TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/random.h"

namespace skald::inline v1 {

namespace internal {
class RedisLockCore;
}  // namespace internal

struct RedisLockOptions {
  // The primary. A name is looked up by the system's resolver, whose time-outs are its own: where
  // they matter, give an address.
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  std::string username;  // empty: the default user
  std::string password;  // empty: none is sent
  int database = 0;
  // Of connecting, and of a whole command with the connecting that it needs. A command gets no more
  // than a sixth of `duration`, so that a renewal without an answer leaves time for another one.
  absl::Duration connect_timeout = absl::Milliseconds(500);
  absl::Duration command_timeout = absl::Seconds(1);

  std::string name;    // of what is locked: letters, digits, '-', '_', '.'
  std::string holder;  // who asks, for people: it stands in the value, behind the token
  // The key in Redis is the prefix and the name. Printable ASCII without spaces.
  std::string key_prefix = "skald:lock:";
  // After which Redis gives it to another, in whole milliseconds. Renewed after a third of it.
  absl::Duration duration = absl::Seconds(15);

  // Told from Poll; must not block. `why` of a loss says what happened. A loss may have come
  // between taking and telling: then neither is told.
  absl::AnyInvocable<void()> on_taken;
  absl::AnyInvocable<void(const absl::Status& why)> on_lost;
  // Told of each request that failed: a renewal of a lock that is still held, or the asking for it.
  // It is tried again, after a random time that grows up to `duration`.
  absl::AnyInvocable<void(const absl::Status& why)> on_error;

  // False: the host calls Poll by the times that it gives. True: a thread of its own does.
  bool own_thread = true;
  const Clock* clock = &Clock::Real();
  // Draws tokens and pauses. Used by one thread at a time.
  Random* random = &Random::Real();
};

// THREADS: any.
class SKALD_EXPORT RedisLock {
 public:
  // Begins to ask for it. Does not wait for Redis: what it says is told by on_error and status().
  // RETURNS: InvalidArgument: an option that makes no sense; the message says which.
  static absl::StatusOr<std::unique_ptr<RedisLock>> Open(RedisLockOptions options);
  // Lets it lapse; nothing is told any more. Release first, and another need not wait.
  // REQUIRES: not from within a callback.
  // COST: waits for a command under way, no longer than command_timeout.
  ~RedisLock();

  // This process believes that it holds it. Somebody else may, too: see above.
  bool Held() const;
  // Stops when this holding is lost or given up. Of no holding: stopped already. Of one that lapsed
  // while nobody called Poll: at the next Poll.
  std::stop_token stop_token() const;

  // What came of the last request.
  // RETURNS: OK                  answered: this process has it, or somebody else; or not asked yet
  //          Unavailable         nobody listens, the line broke, or Redis is loading or busy
  //          DeadlineExceeded    no answer in time
  //          Unauthenticated, PermissionDenied   the password, or what the user may do
  //          FailedPrecondition  a replica, a cluster's other node, a key of another type
  //          ResourceExhausted   its memory is full
  //          Internal            the answer is no Redis', or not one to this request
  absl::Status status() const;

  // Gives it up: the next one may take it at once. Is not asked for again for `duration`.
  // RETURNS: OK     given up, lapsed before, or not held
  //          other  as status(): not believed in any more, and it lapses by itself
  // COST: waits for Redis, at most twice command_timeout: a request under way comes first.
  absl::Status Release();

  // Does what is due: asks for it, renews it, notices its loss.
  // RETURNS: the boot time at which to call again at the latest.
  // COST: waits for Redis, at most command_timeout.
  absl::Duration Poll();

 private:
  explicit RedisLock(std::unique_ptr<internal::RedisLockCore> core);
  std::unique_ptr<internal::RedisLockCore> core_;
};

}  // namespace skald::inline v1
