// What a relay sees when it looks while transactions commit.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/participant/outbox.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::Message;
using skald::Outbox;
using skald::OutgoingMessage;
using skald::Relay;
using skald::Transaction;

// Runs its hook once, right before the snapshot of a scan.
class HookedStore final : public skald::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::unique_ptr<skald::Cursor>> Scan(skald::Space space,
                                                      const skald::KeyRange& range) override {
    if (before_snapshot) std::exchange(before_snapshot, nullptr)();
    return ForwardingStore::Scan(space, range);
  }
  std::function<void()> before_snapshot;
};

// Keeps what it is given, and answers when it is told to.
class SlowPublisher final : public skald::Publisher {
 public:
  void Publish(const OutgoingMessage& message, Done done) override {
    bodies.push_back(message.message.body);
    open.push_back(std::move(done));
  }
  std::vector<std::string> bodies;
  std::vector<Done> open;
};

struct World {
  void Add(const Message& message) {
    Transaction rows = committer->Begin();
    REQUIRE(outbox->Add(rows, message).ok());
    REQUIRE(std::move(rows).Commit().ok());
  }
  void ConfirmAll() {
    for (auto& done : std::exchange(publisher.open, {})) std::move(done)(absl::OkStatus());
    // All that was queued is durable.
    Transaction settle = committer->Begin();
    settle.Put("settle", "");
    REQUIRE(std::move(settle).Commit().ok());
  }
  void Look(absl::Duration later = absl::Milliseconds(100)) {
    clock.Advance(later);
    relay->Poll();
  }

  skald::ManualClock clock;
  skald::MemoryStore memory;
  HookedStore store{memory};
  std::unique_ptr<Committer> committer = *Committer::Open(store, {.writer = "post"});
  std::unique_ptr<Outbox> outbox = *Outbox::Open(*committer, {.name = "orders", .clock = &clock});
  SlowPublisher publisher;
  std::unique_ptr<Relay> relay =
      *Relay::Open(*outbox, publisher, {.own_thread = false, .clock = &clock});
};

TEST_CASE("a message whose transaction takes longer is not overtaken by those of its key") {
  World w;
  Transaction slow = w.committer->Begin();
  REQUIRE(w.outbox->Add(slow, {.key = "k", .topic = "t", .body = "first"}).ok());
  w.Add({.key = "other", .topic = "t", .body = "faster"});
  w.Look();
  w.ConfirmAll();
  CHECK(w.publisher.bodies == std::vector<std::string>{"faster"});
  REQUIRE(std::move(slow).Commit().ok());
  w.Add({.key = "k", .topic = "t", .body = "second"});
  for (int i = 0; i < 3; ++i) {
    w.Look();
    w.ConfirmAll();
  }
  CHECK(w.publisher.bodies == std::vector<std::string>{"faster", "first", "second"});
}

TEST_CASE("a message that commits while the relay looks is not overtaken either") {
  World w;
  Transaction slow = w.committer->Begin();
  REQUIRE(w.outbox->Add(slow, {.key = "k", .topic = "t", .body = "first"}).ok());
  w.Add({.key = "other", .topic = "t", .body = "faster"});
  w.Look();
  w.store.before_snapshot = [&] {
    REQUIRE(std::move(slow).Commit().ok());
    w.Add({.key = "k", .topic = "t", .body = "second"});
  };
  for (int i = 0; i < 4; ++i) {
    w.Look();
    w.ConfirmAll();
  }
  CHECK(w.publisher.bodies == std::vector<std::string>{"faster", "first", "second"});
}

}  // namespace
}  // namespace skald_test
