// An outbox: messages that leave if, and only if, the change that they tell of is durable.
//
//   auto outbox = skald::Outbox::Open(*committer, {.name = "orders"});
//   …
//   skald::Transaction rows = committer->Begin();       // or what a barrier's function is given
//   rows.Put(order_row, paid);
//   (*outbox)->Add(rows, {.key = order.number, .topic = "order.paid", .body = json});
//   return std::move(rows).Commit();                    // both, or neither
//
//   auto relay = skald::Relay::Open(**outbox, publisher);
//
// The relay publishes each message at least once, those of one key in the order in which their
// changes became durable, many keys at a time. A message that the publisher refuses for good is
// parked: it holds up nobody, and waits for a person. Whoever consumes tells repetitions by
// (outbox, id), which skald::Inbox does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/random.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

struct Message {
  std::string key;    // what it is about: messages of one key keep their order
  std::string topic;  // where it goes: an exchange's routing key, a queue
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  friend bool operator==(const Message&, const Message&) = default;
};

inline constexpr size_t kMessageKeyBytesMax = 1024;
inline constexpr size_t kMessageHeadersMax = 1000;

// A message as it is published.
struct OutgoingMessage {
  std::string_view outbox;  // the outbox' name
  uint64_t id = 0;          // within it: grows, and is never used again
  absl::Time added;
  const Message& message;
};

struct OutboxOptions {
  std::string name = "outbox";  // letters, digits, '-', '_', '.'
  size_t message_bytes_max = size_t{128} << 10;
  const Clock* clock = &Clock::Real();
};

// THREADS: any. One outbox of a name at a time, in one process: whoever opens it shuts earlier ones
// out.
class SKALD_EXPORT Outbox {
 public:
  // Takes over its numbers, durably. `committer` must outlive it, and must be served by a thread of
  // its own.
  // RETURNS: InvalidArgument: its name makes no sense; DataLoss: its row does not read.
  static absl::StatusOr<std::unique_ptr<Outbox>> Open(Committer& committer,
                                                      OutboxOptions options = {});
  ~Outbox();

  // The message leaves with the transaction.
  // RETURNS: InvalidArgument: it is over a bound, has no topic, or `rows` is of another committer
  //          Aborted: another process has opened the outbox since; what the store says
  // COST:    encodes it; reads a row that does not change.
  absl::Status Add(Transaction& rows, const Message& message);

  // Messages that were refused for good, oldest first.
  struct Parked {
    uint64_t id = 0;
    Message message;
    std::string reason;
  };
  absl::StatusOr<std::vector<Parked>> ParkedMessages(size_t limit = 100) const;
  // Sends a parked message again, behind all that wait now and under a new id, so that a consumer
  // who got it before it was refused takes it for another; or forgets it. NotFound: it is not
  // parked.
  absl::Status Retry(uint64_t id);
  absl::Status Discard(uint64_t id);

 private:
  friend class Relay;
  class Impl;
  explicit Outbox(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Where messages go. THREADS: one, the relay's.
class Publisher {
 public:
  // Called once, from any thread. OK: the broker has it, durably. InvalidArgument,
  // FailedPrecondition, NotFound, Unimplemented: it never will. Anything else: not now.
  using Done = absl::AnyInvocable<void(const absl::Status&) &&>;

  virtual ~Publisher() = default;
  // What `message` refers to lives until `done` is called.
  virtual void Publish(const OutgoingMessage& message, Done done) = 0;
};

struct RelayOptions {
  size_t in_flight_max = 256;  // messages, each of another key
  // Between tries of one message: exponential, with full jitter.
  absl::Duration delay_min = absl::Milliseconds(100);
  absl::Duration delay_max = absl::Minutes(1);
  // How often it looks for new messages while it has nothing to do.
  absl::Duration interval = absl::Milliseconds(50);
  // False: the host calls Poll. True: a thread of its own does.
  bool own_thread = true;
  const Clock* clock = &Clock::Real();
  Random* random = &Random::Real();
};

// THREADS: any. One relay an outbox.
class SKALD_EXPORT Relay {
 public:
  // `outbox` and `publisher` must outlive it.
  // RETURNS: InvalidArgument: an option makes no sense.
  static absl::StatusOr<std::unique_ptr<Relay>> Open(Outbox& outbox, Publisher& publisher,
                                                     RelayOptions options = {});
  // Messages under way are published again by the next one.
  ~Relay();

  // Looks for messages and publishes them. RETURNS: the boot time at which to call again at the
  // latest.
  absl::Duration Poll();

  struct Stats {
    uint64_t published = 0;  // confirmed, in this process
    uint64_t failed = 0;     // tries that were not
    uint64_t parked = 0;
    uint64_t damaged = 0;  // rows that do not read; they stay where they are
    size_t in_flight = 0;
    size_t waiting = 0;                         // seen, not yet sent; at most a few thousand
    absl::Duration lag = absl::ZeroDuration();  // age of the oldest that is not published
  };
  Stats stats() const;

 private:
  class Impl;
  explicit Relay(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// The consumer's side: tells repetitions.
//
//   skald::Transaction rows = committer->Begin();
//   auto fresh = inbox.Accept(rows, "orders", key, id);
//   if (fresh.ok() && *fresh) …                 // the change, in the same transaction
class SKALD_EXPORT Inbox {
 public:
  // `name`: letters, digits, '-', '_', '.'.
  explicit Inbox(std::string name) : name_(std::move(name)) {}

  // Whether the message is new; then it is noted, with the transaction. Since messages of one key
  // come in order, the highest id of a key is all that is kept.
  // RETURNS: what the transaction says; DataLoss: the row does not read.
  absl::StatusOr<bool> Accept(Transaction& rows, std::string_view outbox, std::string_view key,
                              uint64_t id) const;

 private:
  std::string name_;
};

}  // namespace skald::inline v1
