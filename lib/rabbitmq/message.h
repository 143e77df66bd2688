// A message as AMQP has it (docs/formats/participants.md).
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald::inline v1::internal {

// A string that AMQP can carry as a name: at most 255 bytes, no control characters.
bool IsShortString(std::string_view text);

std::string MessageId(const OutgoingMessage& message);

// RETURNS: InvalidArgument: the message can never be sent.
absl::Status CheckMessage(const RabbitMqOptions& options, const OutgoingMessage& message);

// Refers to the message.
class MessageProperties {
 public:
  explicit MessageProperties(const OutgoingMessage& message);
  MessageProperties(const MessageProperties&) = delete;
  MessageProperties& operator=(const MessageProperties&) = delete;

  amqp_basic_properties_t& amqp() { return properties_; }

 private:
  std::string id_;
  std::vector<amqp_table_entry_t> headers_;
  amqp_basic_properties_t properties_{};
};

}  // namespace skald::inline v1::internal
