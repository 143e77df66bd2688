// The other users of a broker, for tests: one that declares, looks into queues, consumes. Blocks;
// throws when the broker does not do as it is told, or goes.
#pragma once

#include <amqp.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace skald_test {

struct Delivered {
  uint64_t tag = 0;
  bool redelivered = false;
  std::string outbox;  // of the message-id
  uint64_t id = 0;
  std::string key;
  std::string topic;
  std::string body;
  uint8_t delivery_mode = 0;
  std::map<std::string, std::string> headers;  // all
};

class Peer {
 public:
  explicit Peer(uint16_t port);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void DeclareExchange(const std::string& name, const std::string& type = "topic");
  void DeleteExchange(const std::string& name);
  // Durable. `length_max`: at more messages it refuses (x-overflow=reject-publish).
  void DeclareQueue(const std::string& name, std::optional<int> length_max = std::nullopt);
  void Bind(const std::string& queue, const std::string& exchange, const std::string& topic);
  size_t Purge(const std::string& queue);
  // Takes all that is in it.
  std::vector<Delivered> Drain(const std::string& queue);

  void Consume(const std::string& queue, uint16_t prefetch);
  // nullopt: nothing came in time.
  std::optional<Delivered> Next(absl::Duration patience);
  void AckUpTo(uint64_t tag);

 private:
  void Check(const std::string& doing, const amqp_rpc_reply_t& reply);
  void Check(const std::string& doing) { Check(doing, amqp_get_rpc_reply(connection_)); }

  amqp_connection_state_t connection_;
};

}  // namespace skald_test
