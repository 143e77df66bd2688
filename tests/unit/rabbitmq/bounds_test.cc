// What cannot be sent is refused before it is; what a consumer reads is checked.
#include <memory>
#include <string>
#include <vector>

#include "broker.h"
#include "catch.h"
#include "sender.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald_test {
namespace {

using skald::Message;
using skald::ParseRabbitMqMessageId;
using skald::RabbitMqOptions;
using skald::RabbitMqPublisher;

TEST_CASE("messages that AMQP cannot carry are refused with the reason, at once") {
  Sender sender;
  auto publisher =
      RabbitMqPublisher::Open({.host = "127.0.0.1", .port = FreePort(), .message_bytes_max = 1000});
  REQUIRE(publisher.ok());
  const std::vector<std::pair<Message, std::string>> bad = {
      {{.key = "k", .topic = std::string(256, 't')}, "a routing key has at most 255 bytes"},
      {{.key = "k", .topic = "a\nb"}, "the topic 'a?b'"},
      {{.key = "k", .topic = "t", .body = std::string(1001, 'b')}, "it has 1001 bytes"},
      {{.key = "k", .topic = "t", .headers = {{"", "v"}}}, "a name has 1 to 128 bytes"},
      {{.key = "k", .topic = "t", .headers = {{std::string(129, 'n'), "v"}}}, "1 to 128 bytes"},
      {{.key = "k", .topic = "t", .headers = {{"a\x01", "v"}}}, "no control characters"},
      {{.key = "k", .topic = "t", .headers = {{"a", std::string("v\0", 2)}}}, "its value"},
      {{.key = "k", .topic = "t", .headers = {{"skald-key", "v"}}}, "are taken"},
      {{.key = std::string(33'000, 'k'), .topic = "t"}, "its key and headers have 33000 bytes"},
  };
  for (uint64_t id = 0; id < bad.size(); ++id) {
    sender.Send(**publisher, id, bad[id].first);
    const absl::Status answer = sender.Answer(id, absl::ZeroDuration());
    INFO(answer);
    CHECK(absl::IsInvalidArgument(answer));
    CHECK(Says(answer, bad[id].second));
    CHECK(Says(answer, "publishing message 'orders/"));
  }
}

TEST_CASE("options that make no sense are refused with the reason") {
  const auto refused = [](const RabbitMqOptions& options, std::string_view part) {
    const absl::Status status = RabbitMqPublisher::Open(options).status();
    INFO(status);
    return absl::IsInvalidArgument(status) && Says(status, part);
  };
  CHECK(refused({.host = ""}, "a host and a port"));
  CHECK(refused({.port = 0}, "a host and a port"));
  CHECK(refused({.user = "a\nb"}, "no control characters"));
  CHECK(refused({.exchange = std::string(256, 'e')}, "at most 255 bytes"));
  CHECK(refused({.exchange_type = "topic"}, "the default exchange cannot be declared"));
  CHECK(refused({.queues = {{.name = ""}}}, "a queue has a name"));
  CHECK(refused({.queues = {{.name = "q", .topics = {"t"}}}}, "leave its topics out"));
  CHECK(refused({.queues = std::vector<skald::RabbitMqQueue>(1001, {.name = "q"})}, "1000 queues"));
  CHECK(refused({.heartbeat = absl::Milliseconds(1500)}, "whole seconds"));
  CHECK(refused({.heartbeat = absl::ZeroDuration()}, "whole seconds"));
  CHECK(refused({.confirm_timeout = absl::ZeroDuration()}, "must be positive"));
  CHECK(refused({.reconnect_delay_max = absl::Milliseconds(1)}, "at least reconnect_delay_min"));
  CHECK(refused({.in_flight_max = 0}, "in_flight_max"));
  CHECK(refused({.in_flight_max = 65'536}, "in_flight_max"));
}

TEST_CASE("a consumer reads the message-id, and refuses what is none") {
  const auto id = ParseRabbitMqMessageId("orders.eu/18446744073709551615");
  REQUIRE(id.ok());
  CHECK(id->outbox == "orders.eu");
  CHECK(id->id == UINT64_MAX);
  for (const char* bad : {"", "/", "orders", "orders/", "/1", "orders/x", "orders/1x", "orders/-1",
                          "orders/+1", "orders/ 1", "orders/18446744073709551616"}) {
    INFO(bad);
    CHECK(absl::IsInvalidArgument(ParseRabbitMqMessageId(bad).status()));
  }
}

}  // namespace
}  // namespace skald_test
