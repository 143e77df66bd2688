// What a relay holds in memory, and when it looks for more.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/base/random.h"
#include "skald/base/status.h"
#include "skald/participant/outbox.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::Outbox;
using skald::OutgoingMessage;
using skald::Relay;
using skald::Transaction;

// Something happens between a scan's snapshot and its first row.
class InterruptedStore final : public skald::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  absl::StatusOr<std::unique_ptr<skald::Cursor>> Scan(skald::Space space,
                                                      const skald::KeyRange& range) override {
    auto cursor = ForwardingStore::Scan(space, range);
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return cursor;
  }

  std::function<void()> meanwhile;
};

// Answers when it is told to.
class PatientPublisher final : public skald::Publisher {
 public:
  void Publish(const OutgoingMessage& message, Done done) override {
    ++published[message.message.body];
    waiting.push_back(std::move(done));
  }
  void AnswerAll() {
    for (Done& done : std::exchange(waiting, {})) std::move(done)(absl::OkStatus());
  }

  std::map<std::string, int> published;
  std::vector<Done> waiting;
};

struct Post {
  Post() {
    committer = *Committer::Open(store, {.writer = "post"});
    outbox = *Outbox::Open(*committer, {.name = "orders", .clock = &clock});
  }
  void OpenRelay(size_t in_flight) {
    relay = *Relay::Open(
        *outbox, publisher,
        {.in_flight_max = in_flight, .own_thread = false, .clock = &clock, .random = &random});
  }
  // Messages 0, 1, …, each of a key of its own.
  void Add(int count) {
    Transaction rows = committer->Begin();
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      REQUIRE(outbox->Add(rows, {.key = "k" + number, .topic = "t", .body = number}).ok());
    }
    REQUIRE(std::move(rows).Commit().ok());
  }
  // Everything that was queued is durable.
  void Settle() {
    Transaction rows = committer->Begin();
    rows.Put("settle", "");
    REQUIRE(std::move(rows).Commit().ok());
  }

  skald::ManualClock clock;
  skald::SeededRandom random{3};
  skald::MemoryStore memory;
  InterruptedStore store{memory};
  PatientPublisher publisher;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Relay> relay;
};

TEST_CASE("a message that is published while the relay looks for others is not published again") {
  Post p;
  p.OpenRelay(10);
  p.Add(1);
  p.relay->Poll();
  REQUIRE(p.publisher.published["0"] == 1);
  p.clock.Advance(absl::Seconds(20));  // it looks at all again
  p.store.meanwhile = [&] {
    p.publisher.AnswerAll();
    p.Settle();
  };
  p.relay->Poll();
  REQUIRE(!p.store.meanwhile);
  p.clock.Advance(absl::Seconds(1));
  p.relay->Poll();
  CHECK(p.publisher.published["0"] == 1);
  CHECK(p.relay->stats().published == 1);
  CHECK(p.relay->stats().waiting == 0);
}

TEST_CASE("a relay that has no room for more messages waits for answers, and then takes them") {
  Post p;
  p.OpenRelay(100);
  p.Add(5000);
  p.relay->Poll();
  CHECK(p.publisher.waiting.size() == 100);
  // It would spin.
  CHECK(p.relay->Poll() > p.clock.Boot());
  p.clock.Advance(absl::Seconds(1));
  CHECK(p.relay->Poll() > p.clock.Boot());
  for (int round = 0; round < 1000 && p.publisher.published.size() < 5000; ++round) {
    p.publisher.AnswerAll();
    p.Settle();
    p.relay->Poll();
    p.clock.Advance(absl::Milliseconds(1));
  }
  CHECK(p.publisher.published.size() == 5000);
  for (const auto& [body, times] : p.publisher.published) {
    INFO(body);
    CHECK(times == 1);
  }
}

}  // namespace
}  // namespace skald_test
