// What a real broker makes of messages, and what the publisher answers.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker.h"
#include "catch.h"
#include "peer.h"
#include "sender.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"

namespace skald_test {
namespace {

using skald::Message;
using skald::RabbitMqOptions;
using skald::RabbitMqPublisher;

std::unique_ptr<RabbitMqPublisher> OpenPublisher(RabbitMqOptions options) {
  options.host = "127.0.0.1";
  options.port = SharedBroker().port();
  auto publisher = RabbitMqPublisher::Open(std::move(options));
  INFO(publisher.status().ToString());
  REQUIRE(publisher.ok());
  return *std::move(publisher);
}

// Exchange and queue `name`, under every topic; what was in the queue is gone.
std::unique_ptr<RabbitMqPublisher> OpenOn(const std::string& name, RabbitMqOptions options = {}) {
  options.exchange = name;
  options.exchange_type = "topic";
  options.queues = {{.name = name, .topics = {"#"}}};
  auto publisher = OpenPublisher(std::move(options));
  REQUIRE(Becomes([&] { return publisher->health().ok(); }));
  Peer(SharedBroker().port()).Purge(name);
  return publisher;
}

TEST_CASE("a confirmed message is in the durable queue, also after the broker was killed") {
  Sender sender;
  auto publisher = OpenOn("confirmed");
  const Message message{.key = "order-7",
                        .topic = "order.paid",
                        .body = std::string("{\"paid\":1}\0\xff", 12),
                        .headers = {{"content", "json"}, {"trace", "t-1"}}};
  sender.Send(*publisher, 41, message);
  CHECK(sender.Answer(41).ToString() == "OK");
  SharedBroker().Kill();
  SharedBroker().Start();
  SharedBroker().Listen();
  Peer peer(SharedBroker().port());
  const std::vector<Delivered> all = peer.Drain("confirmed");
  REQUIRE(all.size() == 1);
  CHECK(all[0].outbox == "orders");
  CHECK(all[0].id == 41);
  CHECK(all[0].key == "order-7");
  CHECK(all[0].topic == "order.paid");
  CHECK(all[0].body == message.body);
  CHECK(all[0].delivery_mode == AMQP_DELIVERY_PERSISTENT);
  CHECK(all[0].headers.at("content") == "json");
  CHECK(all[0].headers.at("trace") == "t-1");
  CHECK(sender.SendUntilTaken(*publisher, 42, message).ok());
  CHECK(publisher->stats().connections == 2);
}

TEST_CASE("bodies of any size are whole: none, one frame, several frames") {
  Sender sender;
  auto publisher = OpenOn("sizes");
  Peer peer(SharedBroker().port());
  std::vector<std::string> bodies = {"", "a", std::string(131'064, 'b'), std::string(131'065, 'c'),
                                     std::string(199'000, 'd')};
  for (size_t i = 0; i < bodies.size(); ++i) {
    sender.Send(*publisher, i, {.key = "k", .topic = "t", .body = bodies[i]});
  }
  for (size_t i = 0; i < bodies.size(); ++i) CHECK(sender.Answer(i).ok());
  const std::vector<Delivered> all = peer.Drain("sizes");
  REQUIRE(all.size() == bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) CHECK((all[i].body == bodies[i]));
}

TEST_CASE("a message without a queue comes back: not now while it is young, never when it is old") {
  Sender sender;
  auto publisher = OpenPublisher({.exchange = "nobody", .exchange_type = "topic"});
  const absl::Time now = skald::Clock::Real().Wall();
  sender.Send(*publisher, 1, {.key = "a", .topic = "t", .body = "young"}, now - absl::Minutes(9));
  sender.Send(*publisher, 2, {.key = "b", .topic = "t", .body = "old"}, now - absl::Minutes(11));
  sender.Send(*publisher, 3, {.key = "c", .topic = "t", .body = ""}, now);
  CHECK(absl::IsUnavailable(sender.Answer(1)));
  CHECK(Says(sender.Answer(1), "the broker has no queue for it: 312 NO_ROUTE"));
  CHECK(absl::IsNotFound(sender.Answer(2)));
  CHECK(Says(sender.Answer(2), "'orders/2' to exchange 'nobody', topic 't'"));
  CHECK(absl::IsUnavailable(sender.Answer(3)));
  // It is another matter when somebody listens.
  Peer peer(SharedBroker().port());
  peer.DeclareQueue("somebody");
  peer.Bind("somebody", "nobody", "t");
  sender.Send(*publisher, 4, {.key = "a", .topic = "t", .body = "young"});
  CHECK(sender.Answer(4).ok());
  CHECK(publisher->stats().returned == 3);
}

TEST_CASE("only what has no queue comes back among others") {
  Sender sender;
  auto publisher = OpenPublisher({.exchange = "mixed",
                                  .exchange_type = "direct",
                                  .queues = {{.name = "mixed", .topics = {"here"}}}});
  for (uint64_t id = 0; id < 500; ++id) {
    sender.Send(*publisher, id,
                {.key = "k" + std::to_string(id), .topic = id % 7 == 0 ? "nowhere" : "here"});
  }
  for (uint64_t id = 0; id < 500; ++id) {
    INFO(id << " " << sender.Answer(id));
    CHECK(sender.Answer(id).ok() == (id % 7 != 0));
  }
}

TEST_CASE("a full queue that refuses says not now, and takes messages when it has room again") {
  Peer peer(SharedBroker().port());
  peer.DeclareQueue("full", 3);
  peer.Purge("full");
  Sender sender;
  auto publisher = OpenPublisher({});  // the default exchange: topics are queues
  for (uint64_t id = 0; id < 3; ++id) {
    sender.Send(*publisher, id, {.key = "k", .topic = "full", .body = "x"});
    CHECK(sender.Answer(id).ok());
  }
  CHECK(Becomes([&] {  // the queue may take one more than its bound before it notices
    const uint64_t id = 100 + sender.count();
    sender.Send(*publisher, id, {.key = "k", .topic = "full", .body = "x"});
    return absl::IsUnavailable(sender.Answer(id)) && Says(sender.Answer(id), "basic.nack");
  }));
  CHECK(publisher->stats().nacked > 0);
  peer.Purge("full");
  CHECK(sender.SendUntilTaken(*publisher, 1000, {.key = "k", .topic = "full", .body = "y"}).ok());
}

TEST_CASE("a message over the broker's limit is refused alone, and the others go on") {
  Sender sender;
  auto publisher = OpenOn("limit");
  // 200,000 is the limit here. What may have been published is sent again, as a relay does.
  std::map<uint64_t, size_t> left;  // by id, the size
  for (uint64_t id = 0; id < 200; ++id) left[id] = id == 20 || id == 150 ? 200'001 : 50 + id;
  std::set<uint64_t> refused;
  for (int round = 0; round < 20 && !left.empty(); ++round) {
    const std::map<uint64_t, size_t> sent = std::exchange(left, {});
    for (const auto& [id, bytes] : sent) {
      sender.Send(*publisher, id,
                  {.key = std::to_string(id), .topic = "t", .body = std::string(bytes, 'x')});
    }
    for (const auto& [id, bytes] : sent) {
      const absl::Status answer = sender.Answer(id);
      INFO(answer);
      if (absl::IsInvalidArgument(answer)) {
        CHECK(Says(answer, "406 PRECONDITION_FAILED"));
        refused.insert(id);
      } else if (!answer.ok()) {
        CHECK(Says(answer, "it may have been published"));
        left[id] = bytes;
      }
    }
  }
  CHECK(left.empty());
  CHECK(refused == std::set<uint64_t>{20, 150});
  CHECK(publisher->stats().refused == 2);
  CHECK(publisher->stats().connections <= 5);  // channels, of one connection
}

TEST_CASE("a missing exchange is not now, and says so; when it comes, messages leave") {
  Sender sender;
  auto publisher = OpenPublisher({.exchange = "later", .confirm_timeout = absl::Seconds(1)});
  sender.Send(*publisher, 1, {.key = "k", .topic = "t"});
  CHECK(absl::IsUnavailable(sender.Answer(1)));
  CHECK(Says(sender.Answer(1), "404 NOT_FOUND - no exchange 'later'"));
  CHECK(!publisher->health().ok());
  Peer peer(SharedBroker().port());
  peer.DeclareExchange("later");
  peer.DeclareQueue("later");
  peer.Bind("later", "later", "#");
  CHECK(sender.SendUntilTaken(*publisher, 10, {.key = "k", .topic = "t"}).ok());
  // Taken away under way, and given back.
  peer.DeleteExchange("later");
  sender.Send(*publisher, 1000, {.key = "k", .topic = "t"});
  CHECK(absl::IsUnavailable(sender.Answer(1000)));
  CHECK(Says(sender.Answer(1000), "404 NOT_FOUND"));
  peer.DeclareExchange("later");
  peer.Bind("later", "later", "#");
  CHECK(sender.SendUntilTaken(*publisher, 2000, {.key = "k", .topic = "t"}).ok());
}

TEST_CASE("a wrong password is told at once, as something that a person has to mend") {
  Sender sender;
  auto publisher = OpenPublisher({.password = "wrong"});
  sender.Send(*publisher, 1, {.key = "k", .topic = "t"});
  const absl::Status answer = sender.Answer(1, absl::Seconds(20));
  INFO(answer);
  CHECK(absl::IsPermissionDenied(answer));
  CHECK(Says(answer, "403 ACCESS_REFUSED"));
  CHECK(!Says(answer, "wrong"));
  CHECK(absl::IsPermissionDenied(publisher->health()));
}

TEST_CASE("a vhost that is not there is told at once") {
  Sender sender;
  auto publisher = OpenPublisher({.vhost = "/none"});
  sender.Send(*publisher, 1, {.key = "k", .topic = "t"});
  CHECK(absl::IsPermissionDenied(sender.Answer(1, absl::Seconds(20))));
  CHECK(Says(sender.Answer(1), "530 NOT_ALLOWED"));
}

TEST_CASE("while the broker is short of memory messages are not now, and afterwards they leave") {
  Sender sender;
  auto publisher = OpenOn("memory", {.confirm_timeout = absl::Seconds(2)});
  SharedBroker().Control({"set_vm_memory_high_watermark", "0.0000001"});
  // More than it has read when it notices.
  uint64_t id = 0;
  for (; id < 400; ++id) {
    sender.Send(*publisher, id,
                {.key = std::to_string(id), .topic = "t", .body = std::string(100'000, 'x')});
  }
  CHECK(Becomes([&] { return absl::IsResourceExhausted(publisher->health()); }));
  CHECK(Says(publisher->health(), "the broker takes no messages now"));
  const uint64_t refused = id++;
  sender.Send(*publisher, refused, {.key = "k", .topic = "t"});
  CHECK(absl::IsResourceExhausted(sender.Answer(refused, absl::ZeroDuration())));
  // What was sent before the broker said so waits for it, longer than the time-out; what was not,
  // does not wait.
  Becomes([] { return false; }, absl::Seconds(3));
  std::vector<uint64_t> sent;
  size_t turned_away = 0;
  for (uint64_t i = 0; i < refused; ++i) {
    if (!sender.Answered(i)) sent.push_back(i);
    if (sender.Answered(i)) turned_away += absl::IsResourceExhausted(sender.Answer(i));
  }
  CHECK(!sent.empty());
  CHECK(turned_away > 0);
  SharedBroker().Control({"set_vm_memory_high_watermark", "0.4"});
  for (const uint64_t waited : sent) CHECK(sender.Answer(waited).ok());
  CHECK(Becomes([&] { return publisher->health().ok(); }));
  CHECK(sender.SendUntilTaken(*publisher, id, {.key = "k", .topic = "t"}).ok());
  CHECK(publisher->stats().connections == 1);
}

TEST_CASE("a broker killed under way loses nothing, and the publisher comes back by itself") {
  Sender sender;
  auto publisher = OpenOn("killed");
  std::set<uint64_t> taken;
  std::vector<uint64_t> left;
  for (uint64_t id = 0; id < 3000; ++id) left.push_back(id);
  // Some 10 a millisecond, so that some are under way whenever it is killed.
  std::jthread sending([&] {
    for (uint64_t id = 0; id < 3000; ++id) {
      sender.Send(*publisher, id, {.key = std::to_string(id), .topic = "t", .body = "x"});
      if (id % 50 == 0) Becomes([] { return false; }, absl::Milliseconds(1));
    }
  });
  CHECK(Becomes([&] { return sender.count() > 200; }));
  SharedBroker().Kill();
  sending.join();
  SharedBroker().Start();
  uint64_t lost = 0;
  for (uint64_t next_id = 10'000; !left.empty();) {
    std::vector<uint64_t> again;
    for (const uint64_t id : left) {
      const absl::Status answer = sender.Answer(id);
      if (answer.ok()) {
        taken.insert(id);
        continue;
      }
      INFO(answer);
      REQUIRE(absl::IsUnavailable(answer));
      lost += Says(answer, "it may have been published");
      sender.Send(*publisher, next_id, {.key = "again", .topic = "t", .body = "x"});
      again.push_back(next_id++);
    }
    left.swap(again);
    REQUIRE(sender.count() < 100'000);
  }
  CHECK(lost > 0);
  CHECK(publisher->stats().lost == lost);
  SharedBroker().Listen();
  Peer peer(SharedBroker().port());
  for (const Delivered& delivered : peer.Drain("killed")) taken.erase(delivered.id);
  CHECK(taken.empty());
}

TEST_CASE("the destructor answers what is under way, also when the broker is dead") {
  Sender sender;
  auto publisher = OpenOn("dead");
  SharedBroker().Kill();
  for (uint64_t id = 0; id < 100; ++id) {
    sender.Send(*publisher, id, {.key = std::to_string(id), .topic = "t"});
  }
  const absl::Duration begun = skald::Clock::Real().Boot();
  publisher.reset();
  CHECK(skald::Clock::Real().Boot() - begun < absl::Seconds(2));
  REQUIRE(sender.count() == 100);
  for (uint64_t id = 0; id < 100; ++id) CHECK(absl::IsUnavailable(sender.Answer(id)));
  SharedBroker().Start();
  SharedBroker().Listen();
}

}  // namespace
}  // namespace skald_test
