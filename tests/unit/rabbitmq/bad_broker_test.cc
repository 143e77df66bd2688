// Brokers that forget, lie, hang up and talk nonsense.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "broker.h"
#include "catch.h"
#include "fake_broker.h"
#include "sender.h"
#include "skald/base/random.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald_test {
namespace {

using skald::RabbitMqOptions;
using skald::RabbitMqPublisher;
using Line = FakeBroker::Line;

std::unique_ptr<RabbitMqPublisher> OpenTo(uint16_t port, RabbitMqOptions options = {}) {
  options.host = "127.0.0.1";
  options.port = port;
  options.reconnect_delay_min = absl::Milliseconds(1);
  options.reconnect_delay_max = absl::Milliseconds(20);
  auto publisher = RabbitMqPublisher::Open(std::move(options));
  INFO(publisher.status().ToString());
  REQUIRE(publisher.ok());
  return *std::move(publisher);
}

void SendMany(Sender& sender, RabbitMqPublisher& publisher, uint64_t count, uint64_t first = 0) {
  for (uint64_t id = first; id < first + count; ++id) {
    sender.Send(publisher, id, {.key = fmt::format("k{}", id), .topic = "t"});
  }
}

TEST_CASE("a broker that accepts and forgets: each message is answered in time, then it is left") {
  FakeBroker broker({.arrived = [](Line&, uint64_t) {}});
  Sender sender;
  auto publisher = OpenTo(broker.port(), {.confirm_timeout = absl::Milliseconds(300)});
  const absl::Duration begun = skald::Clock::Real().Boot();
  SendMany(sender, *publisher, 50);
  for (uint64_t id = 0; id < 50; ++id) {
    CHECK(absl::IsUnavailable(sender.Answer(id)));
    CHECK(Says(sender.Answer(id), "it may have been published"));
  }
  CHECK(skald::Clock::Real().Boot() - begun >= absl::Milliseconds(290));
  CHECK(Becomes([&] { return broker.connections() > 1; }));
  CHECK(publisher->stats().timed_out + publisher->stats().lost == 50);
  CHECK(publisher->stats().confirmed == 0);
}

TEST_CASE("a broker that forgets one message keeps its line; its late word counts for nobody") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag == 5) line.Ack(1);
    if (tag != 1) line.Ack(tag);
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port(), {.confirm_timeout = absl::Milliseconds(300)});
  SendMany(sender, *publisher, 2);
  CHECK(sender.Answer(1).ok());
  CHECK(!sender.Answered(0));
  Becomes([] { return false; }, absl::Milliseconds(150));
  SendMany(sender, *publisher, 1, 2);
  CHECK(sender.Answer(2).ok());
  CHECK(Says(sender.Answer(0), "did not confirm it within 300ms; it may have been published"));
  SendMany(sender, *publisher, 2, 3);
  CHECK(sender.Answer(3).ok());
  CHECK(sender.Answer(4).ok());
  CHECK(sender.count() == 5);
  CHECK(broker.connections() == 1);
}

TEST_CASE("a broker that closes mid-confirm: what it confirmed is sure, the rest may have been") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag != 60) return;
    line.Ack(30, true);
    line.HangUp();
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 60);
  for (uint64_t id = 0; id < 60; ++id) {
    INFO(id << " " << sender.Answer(id));
    CHECK(sender.Answer(id).ok() == (id < 30));
    if (id >= 30) CHECK(Says(sender.Answer(id), "it may have been published"));
  }
  CHECK(publisher->stats().lost == 30);
  CHECK(Becomes([&] { return broker.connections() == 2; }));
}

TEST_CASE("confirmations in any order, singly and many at once, reach their messages") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag % 10 != 0) return;
    line.Ack(tag - 1);
    line.Nack(tag - 7);
    line.Ack(tag - 1);                                                // again
    line.Return(fmt::format("orders/{}", tag - 5), 312, "NO_ROUTE");  // the message tag - 4
    line.Ack(tag - 4, true);
    line.Nack(tag, true);
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 100);
  for (uint64_t id = 0; id < 100; ++id) {
    const uint64_t tag = id % 10 + 1;
    const absl::Status answer = sender.Answer(id);
    INFO(id << " " << answer);
    CHECK(answer.ok() == (tag == 9 || (tag <= 5 && tag != 3)));
    if (tag == 6) CHECK(Says(answer, "no queue"));
    if (tag == 3 || tag == 7 || tag == 8 || tag == 10) CHECK(Says(answer, "basic.nack"));
  }
  CHECK(sender.count() == 100);
  CHECK(broker.connections() == 1);
}

TEST_CASE("confirmations of what was never sent confirm nothing") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag == 1) line.Ack(1000, true);
    if (tag == 1) line.Ack(7);
    if (tag == 1) line.Return("orders/999", 312, "NO_ROUTE");
    if (tag == 3) line.Ack(0, true);  // all so far
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 2);
  CHECK(Becomes([&] { return broker.messages() == 2; }));
  Becomes([] { return false; }, absl::Milliseconds(100));
  CHECK(sender.count() == 0);
  SendMany(sender, *publisher, 1, 2);
  for (uint64_t id = 0; id < 3; ++id) CHECK(sender.Answer(id).ok());
}

TEST_CASE("the broker's reason for closing the connection is told") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag == 2) line.CloseConnection(320, "CONNECTION_FORCED - \x1b[31mmaintenance");
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 2);
  CHECK(absl::IsUnavailable(sender.Answer(0)));
  CHECK(Says(sender.Answer(1), "the broker said 320 CONNECTION_FORCED - ?[31mmaintenance"));
}

TEST_CASE("a message that the broker minds is found among many, by sending alone what it may be") {
  // Tags are of a channel: the message is known by the body's size, which the script cannot see;
  // so every message from the third channel on is taken, and one is refused alone before.
  int channels = 0;
  FakeBroker broker({.arrived = [&](Line& line, uint64_t tag) {
    if (tag == 1) ++channels;
    if (channels <= 2) {
      if (channels == 2 || tag == 20) line.CloseChannel(406, "PRECONDITION_FAILED - too large");
    } else {
      line.Ack(tag);
    }
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 20);
  for (uint64_t id = 0; id < 20; ++id) CHECK(absl::IsUnavailable(sender.Answer(id)));
  // Again, as a relay does. The first is sent alone, is the one, and the others are not.
  SendMany(sender, *publisher, 20);
  CHECK(absl::IsInvalidArgument(sender.Answer(0)));
  CHECK(Says(sender.Answer(0), "the broker said 406 PRECONDITION_FAILED - too large"));
  for (uint64_t id = 1; id < 20; ++id) CHECK(sender.Answer(id).ok());
  CHECK(publisher->stats().refused == 1);
  CHECK(broker.connections() == 1);
}

TEST_CASE("a topic that the user may not write to stops nobody else") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag == 1) line.CloseChannel(403, "ACCESS_REFUSED - not this topic");
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  SendMany(sender, *publisher, 1);
  CHECK(absl::IsPermissionDenied(sender.Answer(0)));
  CHECK(Says(sender.Answer(0), "403 ACCESS_REFUSED"));
  CHECK(broker.connections() == 1);
}

TEST_CASE("a silent broker is left after two heartbeats, and one that never speaks in time") {
  FakeBroker silent({.arrived = [](Line&, uint64_t) {}});
  Sender sender;
  auto publisher = OpenTo(silent.port(), {.heartbeat = absl::Seconds(1)});
  SendMany(sender, *publisher, 1);
  CHECK(Says(sender.Answer(0), "the broker was silent for 2s"));

  FakeBroker mute({.answers_hello = false});
  auto other = OpenTo(mute.port(), {.connect_timeout = absl::Milliseconds(100)});
  CHECK(Becomes([&] { return Says(other->health(), "did not answer within 100ms"); }));
  CHECK(Becomes([&] { return mute.connections() > 2; }));
}

TEST_CASE("whatever a broker says that is not AMQP ends the connection, and nothing else") {
  const uint64_t seed = skald::Random::Real().Next();
  skald::SeededRandom random(seed);
  INFO("seed " << seed);
  std::vector<std::string> nonsense = {
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      std::string(4096, '\0'),
      std::string(4096, '\xff'),
      std::string("\x01\x00\x01\xff\xff\xff\xff", 7) + std::string(64, 'x'),  // a huge frame
      std::string("\x01\x00\x01\x00\x00\x00\x04\x00\x3c\x00\x50\xce", 12),    // an ack without tag
      std::string("\x01\x00\x01\x00\x00\x00\x04\xff\xff\xff\xff\xce", 12),    // no such method
      std::string("\x03\x00\x01\x00\x00\x00\x01x\xce", 9),                    // a body alone
      std::string("AMQP\x00\x00\x09\x01", 8),
  };
  for (int i = 0; i < 40; ++i) {
    std::string bytes(1 + random.Below(300), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
    // Half of them begin as a method does.
    if (i % 2 == 0) bytes.replace(0, 5, std::string("\x01\x00\x01\x00\x00", 5));
    nonsense.push_back(bytes);
  }
  for (const std::string& bytes : nonsense) {
    for (const bool at_once : {true, false}) {
      std::atomic<bool> sane = false;
      FakeBroker broker({.connected =
                             [&](Line& line) {
                               if (at_once && !sane) line.Raw(bytes), line.HangUp();
                             },
                         .arrived =
                             [&](Line& line, uint64_t tag) {
                               if (sane) return line.Ack(tag);
                               line.Raw(bytes);
                               line.HangUp();
                             },
                         .answers_hello = true});
      Sender sender;
      auto publisher = OpenTo(broker.port(), {.confirm_timeout = absl::Seconds(20)});
      SendMany(sender, *publisher, 1);
      if (!at_once) CHECK(!sender.Answer(0).ok());
      CHECK(Becomes([&] { return broker.connections() > 1; }));
      sane = true;
      CHECK(sender.SendUntilTaken(*publisher, 1, {.key = "k", .topic = "t"}).ok());
    }
  }
}

TEST_CASE("a message whose headers fit no frame of this broker is refused alone") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) { line.Ack(tag); }});
  Sender sender;
  auto publisher = OpenTo(broker.port());
  sender.Send(*publisher, 0, {.key = "k", .topic = "t"});
  sender.Send(*publisher, 1, {.key = std::string(5000, 'k'), .topic = "t"});  // it takes 4,096
  sender.Send(*publisher, 2, {.key = "k", .topic = "t"});
  CHECK(sender.Answer(0).ok());
  CHECK(absl::IsInvalidArgument(sender.Answer(1)));
  CHECK(Says(sender.Answer(1), "frames of 4096 bytes (frame_max)"));
  CHECK(sender.Answer(2).ok());
  CHECK(broker.messages() == 2);
  CHECK(broker.connections() == 1);
}

TEST_CASE("without a broker messages wait, then are told why they did not leave") {
  Sender sender;
  auto publisher = OpenTo(FreePort(), {.confirm_timeout = absl::Milliseconds(200)});
  SendMany(sender, *publisher, 3);
  for (uint64_t id = 0; id < 3; ++id) {
    CHECK(absl::IsUnavailable(sender.Answer(id)));
    CHECK(Says(sender.Answer(id), "not sent within 200ms"));
    INFO(sender.Answer(id));
    CHECK(Says(sender.Answer(id), "Connection refused"));
  }
}

TEST_CASE("more than in_flight_max are refused at once, and counted no longer when answered") {
  FakeBroker broker({.arrived = [](Line& line, uint64_t tag) {
    if (tag == 5) line.Ack(5, true);
  }});
  Sender sender;
  auto publisher = OpenTo(broker.port(), {.in_flight_max = 5});
  SendMany(sender, *publisher, 4);
  sender.Send(*publisher, 4, {.key = "k", .topic = "t"});
  for (uint64_t id = 0; id < 5; ++id) CHECK(sender.Answer(id).ok());
  SendMany(sender, *publisher, 6, 10);
  CHECK(absl::IsResourceExhausted(sender.Answer(15, absl::ZeroDuration())));
  CHECK(Says(sender.Answer(15), "in_flight_max"));
}

}  // namespace
}  // namespace skald_test
