// How fast an outbox empties into a real broker beside it. Hidden: it measures, and proves nothing.
#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "broker.h"
#include "catch.h"
#include "sender.h"
#include "skald/participant/outbox.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald_test {
namespace {

constexpr uint64_t kMessages = 100'000;
constexpr uint64_t kKeys = 4000;
constexpr uint64_t kTogether = 500;  // of one transaction

void Fill(skald::Committer& committer, skald::Outbox& outbox) {
  for (uint64_t i = 0; i < kMessages;) {
    skald::Transaction rows = committer.Begin();
    for (uint64_t end = i + kTogether; i < end; ++i) {
      REQUIRE(outbox
                  .Add(rows, {.key = fmt::format("key-{}", i % kKeys),
                              .topic = "rate",
                              .body = std::string(200, 'x')})
                  .ok());
    }
    REQUIRE(std::move(rows).Commit().ok());
  }
}

TEST_CASE("a hundred thousand messages from a store on disk to a durable queue", "[.][rate]") {
  std::string root = (std::filesystem::temp_directory_path() / "skald_rate_XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const uint16_t port = SharedBroker().port();
  for (const size_t in_flight : {size_t{256}, size_t{1000}, size_t{4000}}) {
    auto store = skald::OpenRocksDbStore(fmt::format("{}/{}", root, in_flight));
    REQUIRE(store.ok());
    auto committer = skald::Committer::Open(**store, {.writer = "rate"});
    REQUIRE(committer.ok());
    auto outbox = skald::Outbox::Open(**committer, {.name = "rate"});
    REQUIRE(outbox.ok());
    Fill(**committer, **outbox);
    auto publisher = skald::RabbitMqPublisher::Open(
        {.host = "127.0.0.1", .port = port, .queues = {{.name = "rate"}}});
    REQUIRE(publisher.ok());
    CHECK(Becomes([&] { return (*publisher)->health().ok(); }));
    const absl::Duration begun = skald::Clock::Real().Boot();
    auto relay = skald::Relay::Open(**outbox, **publisher, {.in_flight_max = in_flight});
    REQUIRE(relay.ok());
    CHECK(Becomes([&] { return (*relay)->stats().published == kMessages; }, absl::Minutes(2)));
    const double seconds = absl::ToDoubleSeconds(skald::Clock::Real().Boot() - begun);
    fmt::print("relay and RabbitMQ, {} in flight: {:.0f} messages/s\n", in_flight,
               static_cast<double>(kMessages) / seconds);
    relay->reset();
    REQUIRE((*committer)->Shutdown(absl::Seconds(30)).ok());
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace skald_test
