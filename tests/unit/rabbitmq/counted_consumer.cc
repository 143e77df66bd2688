#include "counted_consumer.h"

#include <stdexcept>

#include "counted.h"
#include "skald/base/status.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald_test {
namespace {

constexpr uint16_t kPrefetch = 1000;
constexpr size_t kBatch = 500;

void Demand(const absl::Status& status) {
  if (!status.ok()) throw std::logic_error("the consumer's store: " + status.ToString());
}

}  // namespace

CountedConsumer::CountedConsumer(const std::string& directory, uint16_t port) : port_(port) {
  auto store = skald::OpenRocksDbStore(directory, {.memory_bytes = size_t{64} << 20});
  Demand(store.status());
  store_ = *std::move(store);
  auto committer = skald::Committer::Open(*store_, {.writer = "consumer"});
  Demand(committer.status());
  committer_ = *std::move(committer);
}

bool CountedConsumer::Consume() {
  std::vector<Delivered> batch;
  try {
    if (!peer_) {
      auto peer = std::make_unique<Peer>(port_);
      peer->DeclareQueue(kQueue);
      peer->Consume(kQueue, kPrefetch);
      peer_ = std::move(peer);
      ++connections_;
    }
    while (batch.size() < kBatch) {
      auto next = peer_->Next(batch.empty() ? absl::Milliseconds(100) : absl::ZeroDuration());
      if (!next) break;
      batch.push_back(*std::move(next));
    }
    if (batch.empty()) return false;
    Accept(batch);
    // What is accepted and not acknowledged comes again.
    peer_->AckUpTo(batch.back().tag);
    return true;
  } catch (const std::runtime_error&) {
    peer_.reset();  // the broker is gone; what was not accepted comes again
    return false;
  }
}

void CountedConsumer::Accept(const std::vector<Delivered>& batch) {
  skald::Transaction rows = committer_->Begin();
  std::vector<bool> fresh;
  for (const Delivered& delivered : batch) {
    const auto accepted = inbox_.Accept(rows, delivered.outbox, delivered.key, delivered.id);
    Demand(accepted.status());
    fresh.push_back(*accepted);
  }
  Demand(std::move(rows).Commit());
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!fresh[i]) {
      ++repeated_;
      continue;
    }
    const uint64_t number = std::stoull(batch[i].body);
    uint64_t& last = last_[batch[i].key];
    disorder_ += number != last + 1;
    last = number;
    ++accepted_;
  }
}

}  // namespace skald_test
