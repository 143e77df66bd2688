#include "peer.h"

#include <amqp_tcp_socket.h>
#include <fmt/format.h>

#include <stdexcept>

#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald_test {
namespace {

amqp_bytes_t Bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
std::string Text(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

timeval Seconds(absl::Duration duration) {
  return absl::ToTimeval(duration);
}

void Take(const amqp_message_t& message, Delivered& delivered) {
  const amqp_basic_properties_t& properties = message.properties;
  delivered.body = Text(message.body);
  delivered.delivery_mode = properties.delivery_mode;
  for (int i = 0; i < properties.headers.num_entries; ++i) {
    const amqp_table_entry_t& entry = properties.headers.entries[i];
    delivered.headers[Text(entry.key)] = Text(entry.value.value.bytes);
  }
  delivered.key = delivered.headers[std::string(skald::kRabbitMqKeyHeader)];
  const auto id = skald::ParseRabbitMqMessageId(Text(properties.message_id));
  if (!id.ok()) throw std::runtime_error(id.status().ToString());
  delivered.outbox = id->outbox;
  delivered.id = id->id;
}

}  // namespace

Peer::Peer(uint16_t port) : connection_(amqp_new_connection()) {
  try {
    const timeval patience = Seconds(absl::Seconds(30));
    amqp_set_handshake_timeout(connection_, &patience);
    amqp_set_rpc_timeout(connection_, &patience);
    amqp_socket_t* socket = amqp_tcp_socket_new(connection_);
    if (amqp_socket_open_noblock(socket, "127.0.0.1", port, &patience) != AMQP_STATUS_OK) {
      throw std::runtime_error("a peer cannot connect");
    }
    Check("login",
          amqp_login(connection_, "/", 0, 131072, 10, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(connection_, 1);
    Check("channel.open");
  } catch (...) {
    amqp_destroy_connection(connection_);
    throw;
  }
}

Peer::~Peer() {
  amqp_destroy_connection(connection_);
}

void Peer::Check(const std::string& doing, const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  std::string why = reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                        ? amqp_error_string2(reply.library_error)
                        : fmt::format("the broker closed it, method {:#x}", reply.reply.id);
  throw std::runtime_error(fmt::format("a peer's {}: {}", doing, why));
}

void Peer::DeclareExchange(const std::string& name, const std::string& type) {
  amqp_exchange_declare(connection_, 1, Bytes(name), Bytes(type), 0, 1, 0, 0, amqp_empty_table);
  Check("exchange.declare");
}

void Peer::DeleteExchange(const std::string& name) {
  amqp_exchange_delete(connection_, 1, Bytes(name), 0);
  Check("exchange.delete");
}

void Peer::DeclareQueue(const std::string& name, std::optional<int> length_max) {
  amqp_table_entry_t entries[2] = {};
  entries[0].key = Bytes("x-max-length");
  entries[0].value.kind = AMQP_FIELD_KIND_I32;
  entries[0].value.value.i32 = length_max.value_or(0);
  entries[1].key = Bytes("x-overflow");
  entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[1].value.value.bytes = Bytes("reject-publish");
  const amqp_table_t arguments = {length_max ? 2 : 0, entries};
  amqp_queue_declare(connection_, 1, Bytes(name), 0, 1, 0, 0, arguments);
  Check("queue.declare");
}

void Peer::Bind(const std::string& queue, const std::string& exchange, const std::string& topic) {
  amqp_queue_bind(connection_, 1, Bytes(queue), Bytes(exchange), Bytes(topic), amqp_empty_table);
  Check("queue.bind");
}

size_t Peer::Purge(const std::string& queue) {
  const amqp_queue_purge_ok_t* purged = amqp_queue_purge(connection_, 1, Bytes(queue));
  Check("queue.purge");
  return purged->message_count;
}

std::vector<Delivered> Peer::Drain(const std::string& queue) {
  std::vector<Delivered> all;
  while (true) {
    amqp_rpc_reply_t reply = amqp_basic_get(connection_, 1, Bytes(queue), 1);
    Check("basic.get", reply);
    if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return all;
    const auto& got = *static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded);
    Delivered& delivered = all.emplace_back();
    delivered.topic = Text(got.routing_key);
    delivered.redelivered = got.redelivered != 0;
    amqp_message_t message{};
    Check("reading a message", amqp_read_message(connection_, 1, &message, 0));
    Take(message, delivered);
    amqp_destroy_message(&message);
    amqp_maybe_release_buffers(connection_);
  }
}

void Peer::Consume(const std::string& queue, uint16_t prefetch) {
  amqp_basic_qos(connection_, 1, 0, prefetch, 0);
  Check("basic.qos");
  amqp_basic_consume(connection_, 1, Bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  Check("basic.consume");
}

std::optional<Delivered> Peer::Next(absl::Duration patience) {
  amqp_maybe_release_buffers(connection_);
  amqp_envelope_t envelope{};
  const timeval most = Seconds(patience);
  const amqp_rpc_reply_t reply = amqp_consume_message(connection_, &envelope, &most, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT) {
    return std::nullopt;
  }
  Check("waiting for a message", reply);
  Delivered delivered;
  delivered.tag = envelope.delivery_tag;
  delivered.redelivered = envelope.redelivered != 0;
  delivered.topic = Text(envelope.routing_key);
  Take(envelope.message, delivered);
  amqp_destroy_envelope(&envelope);
  return delivered;
}

void Peer::AckUpTo(uint64_t tag) {
  const int acked = amqp_basic_ack(connection_, 1, tag, 1);
  if (acked != AMQP_STATUS_OK) {
    throw std::runtime_error(fmt::format("a peer's ack: {}", amqp_error_string2(acked)));
  }
}

}  // namespace skald_test
