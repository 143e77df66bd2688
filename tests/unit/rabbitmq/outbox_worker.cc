// A process to be killed: counts up keys in a store, a message with each step, and sends them to a
// broker. Ends by itself when all have left.
//
//   outbox_worker DIR PORT KEYS PER_KEY SEED confirmed|unconfirmed
//
// "unconfirmed" plants a bug: messages count as published before the broker has confirmed them.
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "counted.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/base/status.h"
#include "skald/participant/outbox.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace {

// More would only wait: the relay holds some 4,000 messages in memory.
constexpr size_t kBacklogMax = 3500;
constexpr uint64_t kStepsMax = 50;  // of one transaction

void Pause() {
  skald::Mutex mutex;
  skald::CondVar never;
  const skald::MutexLock lock(mutex);
  never.WaitFor(mutex, absl::Milliseconds(2));
}

// The planted bug.
class Unconfirmed final : public skald::Publisher {
 public:
  explicit Unconfirmed(skald::Publisher& publisher) : publisher_(publisher) {}
  void Publish(const skald::OutgoingMessage& message, Done done) override {
    auto copy = std::make_shared<skald::Message>(message.message);
    publisher_.Publish(
        {"numbers", message.id, message.added, *copy},
        [copy](const absl::Status& status) { skald::IgnoreError(status, "the bug"); });
    std::move(done)(absl::OkStatus());
  }

 private:
  skald::Publisher& publisher_;
};

// Steps of some keys, with their messages, in one transaction.
absl::Status Step(skald::Committer& committer, skald::Outbox& outbox, skald::Random& random,
                  uint64_t per_key, std::vector<uint64_t>& open) {
  skald::Transaction rows = committer.Begin();
  const uint64_t steps = 1 + random.Below(kStepsMax);
  for (uint64_t i = 0; i < steps && !open.empty(); ++i) {
    const size_t at = random.Below(open.size());
    const std::string key = skald_test::KeyOf(open[at]);
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(key));
    const uint64_t number = row ? std::stoull(*row) + 1 : 1;
    if (number >= per_key) {
      std::swap(open[at], open.back());
      open.pop_back();
    }
    if (number > per_key) continue;
    rows.Put(key, std::to_string(number));
    SKALD_RETURN_IF_ERROR(outbox.Add(
        rows, {.key = key, .topic = skald_test::kQueue, .body = std::to_string(number)}));
  }
  return std::move(rows).Commit();
}

absl::Status Work(const std::string& directory, uint16_t port, uint64_t keys, uint64_t per_key,
                  uint64_t seed, bool confirmed) {
  SKALD_ASSIGN_OR_RETURN(const auto store,
                         skald::OpenRocksDbStore(directory, {.memory_bytes = size_t{64} << 20}));
  SKALD_ASSIGN_OR_RETURN(const auto committer, skald::Committer::Open(*store, {.writer = "w"}));
  SKALD_ASSIGN_OR_RETURN(const auto outbox, skald::Outbox::Open(*committer, {.name = "numbers"}));
  SKALD_ASSIGN_OR_RETURN(
      const auto publisher,
      skald::RabbitMqPublisher::Open({.host = "127.0.0.1",
                                      .port = port,
                                      .queues = {{.name = std::string(skald_test::kQueue)}}}));
  Unconfirmed unconfirmed(*publisher);
  skald::Publisher* to = publisher.get();
  if (!confirmed) to = &unconfirmed;
  SKALD_ASSIGN_OR_RETURN(auto relay, skald::Relay::Open(*outbox, *to,
                                                        {.in_flight_max = skald_test::kInFlight,
                                                         .delay_max = absl::Seconds(2)}));
  skald::SeededRandom random(seed);
  std::vector<uint64_t> open;
  for (uint64_t key = 0; key < keys; ++key) open.push_back(key);
  while (!open.empty()) {
    SKALD_RETURN_IF_ERROR(Step(*committer, *outbox, random, per_key, open));
    while (relay->stats().waiting > kBacklogMax) Pause();
  }
  while (true) {
    SKALD_ASSIGN_OR_RETURN(const auto pending,
                           store->Scan(skald::Space::kRows, {"~o/numbers/m", "~o/numbers/n"}));
    if (!pending->Valid()) break;
    Pause();
  }
  const uint64_t parked = relay->stats().parked;
  relay.reset();
  SKALD_RETURN_IF_ERROR(committer->Shutdown(absl::Seconds(30)));
  return parked == 0 ? absl::OkStatus() : absl::InternalError("messages were parked");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const absl::Status done =
      Work(argv[1], static_cast<uint16_t>(std::stoul(argv[2])), std::stoull(argv[3]),
           std::stoull(argv[4]), std::stoull(argv[5]), std::string(argv[6]) == "confirmed");
  if (!done.ok()) fmt::print(stderr, "outbox_worker: {}\n", done.ToString());
  return done.ok() ? 0 : 1;
}
