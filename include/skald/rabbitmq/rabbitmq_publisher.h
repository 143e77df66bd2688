// A publisher for a relay whose messages go to RabbitMQ: durable queues, persistent messages, and
// the broker's confirmation before a message counts as published.
//
//   auto publisher = skald::RabbitMqPublisher::Open(
//       {.host = "mq", .exchange = "orders", .exchange_type = "topic",
//        .queues = {{.name = "billing", .topics = {"order.*"}}}});
//   auto relay = skald::Relay::Open(**outbox, **publisher);
//
// A message's topic is its routing key. What came of it is what its relay is told:
//
//   the broker                                         status               the relay
//   confirmed it                                       OK                   goes on
//   refused it for its size, or it cannot be sent      InvalidArgument      parks it
//   has had no queue for it since unroutable_patience  NotFound             parks it
//   has no queue for it                                Unavailable          tries again
//   refused it for now (basic.nack: a full queue)      Unavailable          tries again
//   cannot be reached, has no such exchange            Unavailable          tries again
//   closed the line, or said nothing in time           Unavailable          tries again; it may
//                                                                           have been published
//   blocks publishers, short of memory or disk         ResourceExhausted    tries again
//   refused the user, or what the user may not do      PermissionDenied     tries again
//
// Nothing that the broker does loses a message. Repetitions happen: consumers tell them by what
// ParseRabbitMqMessageId gives and the header kRabbitMqKeyHeader, see docs/participants.md. A relay
// has one message of a key under way; that, and not this publisher, keeps the order of a key.
//
// A thread of its own holds the connection, and connects anew when it is lost. Not encrypted: for
// TLS, a tunnel beside the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/random.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1 {

// The header in which a message carries its key. Names that begin with "skald-" are not a host's.
inline constexpr std::string_view kRabbitMqKeyHeader = "skald-key";

// A queue to declare, durable, and to bind to the exchange under each of `topics`. One that is
// there already must have been declared so.
struct RabbitMqQueue {
  std::string name;
  std::vector<std::string> topics;
};

struct RabbitMqOptions {
  // A name or an address. A name is looked up anew for each connection, by the system's resolver,
  // and the destructor waits for that look-up's end.
  std::string host = "localhost";
  uint16_t port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  // What the broker's lists call the connection.
  std::string connection_name = "skald";

  // Where messages go; empty: the broker's default exchange, whose topics are names of queues.
  std::string exchange;
  // Empty: the exchange must be there. Otherwise ("direct", "topic", "fanout", "headers") it is
  // declared, durable.
  std::string exchange_type;
  // At most 1,000, with at most 1,000 topics in all. Declared with each connection.
  std::vector<RabbitMqQueue> queues;

  // Whole seconds. A broker that is silent for two of these is gone.
  absl::Duration heartbeat = absl::Seconds(10);
  // For all of connecting, logging in and declaring.
  absl::Duration connect_timeout = absl::Seconds(10);
  // From Publish to the answer, whatever the broker does; it stands still for what is sent while
  // the broker blocks. One that answers nothing at all for so long is connected to anew.
  absl::Duration confirm_timeout = absl::Seconds(30);
  // Between attempts to connect: exponential, with full jitter.
  absl::Duration reconnect_delay_min = absl::Milliseconds(100);
  absl::Duration reconnect_delay_max = absl::Seconds(10);
  // A message for which there is no queue waits until it is so old (by the wall clock, since it was
  // added), and then never leaves. A queue may be missing for a while: a consumer is not deployed
  // yet, a node of a cluster is down. Zero: it is parked at once; infinite: it waits for ever, and
  // keeps its place before what is behind it of its key.
  absl::Duration unroutable_patience = absl::Minutes(10);

  // Messages that are not answered, 1 to 65,535; more are ResourceExhausted. Not below the relay's
  // in_flight_max, which is what sets how many are under way.
  size_t in_flight_max = 4096;
  // Of a body. The broker has a limit of its own (max_message_size).
  size_t message_bytes_max = size_t{1} << 20;
  const Clock* clock = &Clock::Real();
  Random* random = &Random::Real();
};

// THREADS: any.
class SKALD_EXPORT RabbitMqPublisher final : public Publisher {
 public:
  // Begins to connect, and does not wait for it: a broker that is down now is no error.
  // RETURNS: InvalidArgument: an option makes no sense.
  static absl::StatusOr<std::unique_ptr<RabbitMqPublisher>> Open(RabbitMqOptions options = {});
  // Answers what is under way with Unavailable, and waits neither for the broker nor for anything
  // but the callbacks and a look-up of `host`. REQUIRES: not within a callback.
  ~RabbitMqPublisher() override;

  // `done` is called on the publisher's thread, or before this returns where nothing is to be sent.
  // It must not block. The message is not copied.
  // COST: a short lock, and a system call when the publisher's thread sleeps.
  void Publish(const OutgoingMessage& message, Done done) override;

  // OK while messages can leave; otherwise why they cannot.
  absl::Status health() const;

  struct Stats {
    uint64_t connections = 0;  // that were ready for messages
    uint64_t confirmed = 0;
    uint64_t returned = 0;   // there was no queue
    uint64_t nacked = 0;     // refused for now
    uint64_t refused = 0;    // for good, by the broker
    uint64_t lost = 0;       // the line was closed while they were under way
    uint64_t timed_out = 0;  // not answered in time
    size_t in_flight = 0;    // not answered, now
  };
  Stats stats() const;

 private:
  class Impl;
  explicit RabbitMqPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct RabbitMqMessageId {
  std::string outbox;
  uint64_t id = 0;
};

// The consumer's side: reads the message-id property, "outbox/id".
// RETURNS: InvalidArgument: no publisher of this kind has written it.
SKALD_EXPORT absl::StatusOr<RabbitMqMessageId> ParseRabbitMqMessageId(std::string_view text);

}  // namespace skald::inline v1
