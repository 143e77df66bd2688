// Messages leave with their change, at least once, in order for each key.
#include "skald/participant/outbox.h"

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "catch.h"
#include "skald/base/random.h"
#include "skald/base/status.h"
#include "skald/participant/memory_publisher.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::Inbox;
using skald::MemoryPublisher;
using skald::MemoryStore;
using skald::Message;
using skald::Outbox;
using skald::OutgoingMessage;
using skald::Relay;
using skald::Transaction;

struct Post {
  Post() { Reopen(); }
  // As after a crash.
  void Reopen() {
    relay.reset();
    outbox.reset();
    committer.reset();
    committer = *Committer::Open(store, {.writer = "post"});
    outbox = *Outbox::Open(*committer, {.name = "orders", .clock = &clock});
  }
  void OpenRelay(skald::Publisher& publisher, size_t in_flight = 64) {
    relay = *Relay::Open(
        *outbox, publisher,
        {.in_flight_max = in_flight, .own_thread = false, .clock = &clock, .random = &random});
  }
  absl::Status Add(const Message& message) {
    Transaction rows = committer->Begin();
    if (absl::Status added = outbox->Add(rows, message); !added.ok()) return added;
    return std::move(rows).Commit();
  }
  void AddMany(int count, int keys) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(Add({.key = "k" + std::to_string(i % keys), .topic = "t", .body = std::to_string(i)})
                  .ok());
    }
  }
  // Until nothing is pending, or for so long.
  void Deliver(absl::Duration most = absl::Minutes(30)) {
    for (absl::Duration passed; passed < most; passed += absl::Milliseconds(50)) {
      relay->Poll();
      Settle();
      if (Pending() == 0) return;
      clock.Advance(absl::Milliseconds(50));
    }
  }
  // Everything that was queued is durable.
  void Settle() {
    Transaction rows = committer->Begin();
    rows.Put("settle", "");
    REQUIRE(std::move(rows).Commit().ok());
  }
  size_t Pending() {
    auto cursor = store.Scan(skald::Space::kRows, {"~o/orders/m", "~o/orders/n"});
    REQUIRE(cursor.ok());
    size_t count = 0;
    for (; (*cursor)->Valid(); (*cursor)->Next()) ++count;
    return count;
  }

  skald::ManualClock clock;
  skald::SeededRandom random{3};
  MemoryStore store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Relay> relay;
};

std::vector<std::string> Bodies(const MemoryPublisher& publisher) {
  std::vector<std::string> bodies;
  for (const auto& published : publisher.published()) bodies.push_back(published.message.body);
  return bodies;
}

TEST_CASE("a message leaves with its change, and not without it") {
  Post p;
  MemoryPublisher publisher;
  p.OpenRelay(publisher);
  {
    Transaction dropped = p.committer->Begin();
    REQUIRE(p.outbox->Add(dropped, {.key = "k", .topic = "t", .body = "dropped"}).ok());
  }
  const Message message{.key = "k", .topic = "order.paid", .body = "b", .headers = {{"h", "v"}}};
  REQUIRE(p.Add(message).ok());
  p.Deliver();
  REQUIRE(publisher.published().size() == 1);
  CHECK(publisher.published().front().message == message);
  CHECK(publisher.published().front().outbox == "orders");
  CHECK(p.Pending() == 0);
  CHECK(p.relay->stats().published == 1);
}

TEST_CASE("messages of one key keep their order, also when some are refused for a while") {
  Post p;
  skald::SeededRandom random(5);
  MemoryPublisher publisher([&](const OutgoingMessage&) {
    return random.Chance(0.4) ? absl::UnavailableError("not now") : absl::OkStatus();
  });
  p.OpenRelay(publisher);
  p.AddMany(300, 7);
  p.Deliver();
  CHECK(p.Pending() == 0);
  std::map<std::string, int> last;
  for (const auto& published : publisher.published()) {
    const int number = std::stoi(published.message.body);
    const auto [at, fresh] = last.try_emplace(published.message.key, number);
    if (!fresh) CHECK(number > at->second);
    at->second = number;
  }
  CHECK(publisher.published().size() == 300);
  CHECK(p.relay->stats().failed > 50);
}

TEST_CASE("no more are under way than are allowed, and one of a key") {
  Post p;
  struct Slow final : skald::Publisher {
    std::vector<Done> open;
    std::vector<std::string> keys;
    void Publish(const OutgoingMessage& message, Done done) override {
      open.push_back(std::move(done));
      keys.push_back(message.message.key);
    }
  } slow;
  p.OpenRelay(slow, 3);
  p.AddMany(20, 5);
  p.relay->Poll();
  CHECK(slow.open.size() == 3);
  CHECK(std::set<std::string>(slow.keys.begin(), slow.keys.end()).size() == 3);
  CHECK(p.relay->stats().in_flight == 3);
  std::move(slow.open[0])(absl::OkStatus());
  p.Settle();
  p.clock.Advance(absl::Seconds(1));
  p.relay->Poll();
  CHECK(slow.open.size() == 4);
  p.relay.reset();
  // Answers that come when the relay is gone are nobody's.
  for (size_t i = 1; i < slow.open.size(); ++i) std::move(slow.open[i])(absl::OkStatus());
  CHECK(p.Pending() == 19);
}

TEST_CASE("what was not confirmed before a crash is published again, with the same id") {
  Post p;
  std::vector<uint64_t> lost;
  MemoryPublisher deaf([&](const OutgoingMessage& message) {
    lost.push_back(message.id);
    return absl::UnavailableError("it was sent, and the answer is lost");
  });
  p.OpenRelay(deaf);
  p.AddMany(10, 10);
  p.relay->Poll();
  p.Reopen();
  MemoryPublisher publisher;
  p.OpenRelay(publisher);
  p.Deliver();
  std::vector<uint64_t> again;
  for (const auto& published : publisher.published()) again.push_back(published.id);
  std::sort(lost.begin(), lost.end());
  std::sort(again.begin(), again.end());
  CHECK(lost == again);
  // Ids of a later opening are higher.
  REQUIRE(p.Add({.key = "k", .topic = "t", .body = "later"}).ok());
  p.Deliver();
  CHECK(publisher.published().back().id > again.back());
}

TEST_CASE("a message that is refused for good is parked, holds up nobody, and can be sent again") {
  Post p;
  bool mended = false;
  MemoryPublisher publisher([&](const OutgoingMessage& message) {
    const bool poison = message.message.body == "1" && !mended;
    return poison ? absl::InvalidArgumentError("over the broker's limit") : absl::OkStatus();
  });
  p.OpenRelay(publisher);
  p.AddMany(4, 1);
  p.Deliver();
  CHECK(Bodies(publisher) == std::vector<std::string>{"0", "2", "3"});
  const auto parked = p.outbox->ParkedMessages();
  REQUIRE(parked.ok());
  REQUIRE(parked->size() == 1);
  CHECK(parked->front().message.body == "1");
  CHECK(parked->front().reason == "INVALID_ARGUMENT: over the broker's limit");
  mended = true;
  const uint64_t id = parked->front().id;
  REQUIRE(p.outbox->Retry(id).ok());
  CHECK(absl::IsNotFound(p.outbox->Retry(id)));
  p.Deliver();
  CHECK(Bodies(publisher) == std::vector<std::string>{"0", "2", "3", "1"});
  CHECK(p.outbox->ParkedMessages()->empty());
}

TEST_CASE("a parked message can be forgotten") {
  Post p;
  MemoryPublisher publisher(
      [](const OutgoingMessage&) { return absl::NotFoundError("no such exchange"); });
  p.OpenRelay(publisher);
  p.AddMany(1, 1);
  p.Deliver();
  REQUIRE(p.outbox->ParkedMessages()->size() == 1);
  CHECK(p.outbox->Discard(p.outbox->ParkedMessages()->front().id).ok());
  CHECK(p.outbox->ParkedMessages()->empty());
}

TEST_CASE("a long queue behind one key that is refused leaves room for the others, and its order") {
  Post p;
  bool open = false;
  MemoryPublisher publisher([&](const OutgoingMessage& message) {
    const bool closed = message.message.key == "k0" && !open;
    return closed ? absl::UnavailableError("closed") : absl::OkStatus();
  });
  p.OpenRelay(publisher);
  for (int i = 0; i < 6000; ++i) {
    Transaction rows = p.committer->Begin();
    REQUIRE(p.outbox->Add(rows, {.key = "k0", .topic = "t", .body = std::to_string(i)}).ok());
    REQUIRE(std::move(rows).CommitThen([](const absl::Status&) {}).ok());
  }
  REQUIRE(p.Add({.key = "other", .topic = "t", .body = "other"}).ok());
  p.Deliver(absl::Seconds(1));
  CHECK(Bodies(publisher) == std::vector<std::string>{"other"});
  open = true;
  p.Deliver(absl::Hours(2));
  CHECK(p.Pending() == 0);
  const auto bodies = Bodies(publisher);
  REQUIRE(bodies.size() == 6001);
  for (int i = 0; i < 6000; ++i) REQUIRE(bodies[i + 1] == std::to_string(i));
}

TEST_CASE("the lag is the age of the oldest that waits") {
  Post p;
  bool open = false;
  MemoryPublisher publisher([&](const OutgoingMessage&) {
    return open ? absl::OkStatus() : absl::UnavailableError("down");
  });
  p.OpenRelay(publisher);
  p.AddMany(3, 3);
  p.Deliver(absl::Minutes(5));
  CHECK(p.relay->stats().lag >= absl::Minutes(5));
  CHECK(p.relay->stats().waiting == 3);
  open = true;
  p.Deliver(absl::Minutes(5));
  CHECK(p.relay->stats().lag == absl::ZeroDuration());
}

TEST_CASE("an inbox takes a message once, and those behind it") {
  MemoryStore store;
  auto committer = *Committer::Open(store, {.writer = "consumer"});
  const Inbox inbox("billing");
  const auto take = [&](std::string_view key, uint64_t id) {
    Transaction rows = committer->Begin();
    const auto fresh = inbox.Accept(rows, "orders", key, id);
    REQUIRE(fresh.ok());
    REQUIRE(std::move(rows).Commit().ok());
    return *fresh;
  };
  CHECK(take("a", 5));
  CHECK_FALSE(take("a", 5));
  CHECK(take("b", 5));
  CHECK(take("a", 9));
  CHECK_FALSE(take("a", 5));
}

TEST_CASE("what makes no sense is refused with the reason") {
  Post p;
  CHECK(absl::IsInvalidArgument(Outbox::Open(*p.committer, {.name = "a/b"}).status()));
  CHECK(std::string(p.Add({.key = "k", .topic = "", .body = "b"}).message()) ==
        "a message to outbox 'orders', key 'k': it has no topic");
  const absl::Status large = p.Add({.key = "k", .topic = "t", .body = std::string(200 << 10, 'b')});
  CHECK(std::string(large.message()).find("message_bytes_max") != std::string::npos);
  MemoryPublisher publisher;
  CHECK(absl::IsInvalidArgument(Relay::Open(*p.outbox, publisher, {.in_flight_max = 0}).status()));
}

TEST_CASE("many threads add, processes die, answers are lost: the inbox counts each change once") {
  MemoryStore store;
  constexpr int kKeys = 20;
  constexpr int kPerKey = 40;
  auto consumer_store = std::make_unique<MemoryStore>();
  auto consumer = *Committer::Open(*consumer_store, {.writer = "consumer"});
  const Inbox inbox("sums");
  skald::SeededRandom random(11);
  std::map<std::string, std::vector<std::string>> taken;
  uint64_t repeated = 0;
  MemoryPublisher publisher([&](const OutgoingMessage& message) -> absl::Status {
    Transaction rows = consumer->Begin();
    const auto fresh = inbox.Accept(rows, message.outbox, message.message.key, message.id);
    if (!fresh.ok()) return fresh.status();
    if (absl::Status done = std::move(rows).Commit(); !done.ok()) return done;
    if (*fresh) taken[message.message.key].push_back(message.message.body);
    repeated += !*fresh;
    return random.Chance(0.3) ? absl::UnavailableError("the answer is lost") : absl::OkStatus();
  });
  std::atomic<int> failed = 0;  // assertions belong to the main thread
  for (int life = 0; life < 4; ++life) {
    auto committer = *Committer::Open(store, {.writer = "post"});
    auto outbox = *Outbox::Open(*committer, {.name = "orders"});
    auto relay = *Relay::Open(*outbox, publisher,
                              {.delay_min = absl::Microseconds(10),
                               .delay_max = absl::Milliseconds(1),
                               .interval = absl::Milliseconds(1)});
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kPerKey / 4; ++i) {
          for (int k = t; k < kKeys; k += 4) {
            // The change itself: a count by key, which the message carries.
            const std::string key = "k" + std::to_string(k);
            Transaction rows = committer->Begin();
            const auto before = rows.Get(key);
            const std::string count = std::to_string(std::stoi(before->value_or("0")) + 1);
            rows.Put(key, count);
            failed += !outbox->Add(rows, {.key = key, .topic = "t", .body = count}).ok();
            failed += !std::move(rows).Commit().ok();
          }
        }
      });
    }
    threads.clear();
    if (life == 3) {
      const absl::Duration end = skald::Clock::Real().Boot() + absl::Seconds(30);
      const auto pending = [&] {
        auto cursor = store.Scan(skald::Space::kRows, {"~o/orders/m", "~o/orders/n"});
        return cursor.ok() && (*cursor)->Valid();
      };
      while (pending() && skald::Clock::Real().Boot() < end) std::this_thread::yield();
    }
    relay.reset();  // whatever is under way is forgotten
    skald::IgnoreError(committer->Shutdown(absl::Seconds(10)), "a test ends");
  }
  CHECK(failed == 0);
  CHECK(taken.size() == kKeys);
  for (const auto& [key, counts] : taken) {
    INFO(key);
    REQUIRE(counts.size() == kPerKey);
    for (int i = 0; i < kPerKey; ++i) CHECK(counts[i] == std::to_string(i + 1));
  }
  CHECK(repeated > 0);
}

}  // namespace
}  // namespace skald_test
