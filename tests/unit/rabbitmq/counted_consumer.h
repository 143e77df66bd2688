// The other end of the outbox: consumes from a broker that may go at any time, tells repetitions by
// an inbox in a store of its own, and checks that each key counts 1, 2, 3 …
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peer.h"
#include "skald/participant/outbox.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace skald_test {

class CountedConsumer {
 public:
  // The store is in `directory`.
  CountedConsumer(const std::string& directory, uint16_t port);

  // Takes what comes, for some 100 ms at most. RETURNS: whether anything came; false also when
  // there is no broker.
  bool Consume();
  bool connected() const { return peer_ != nullptr; }

  uint64_t accepted() const { return accepted_; }
  uint64_t repeated() const { return repeated_; }
  // Numbers that did not follow the one before of their key.
  uint64_t disorder() const { return disorder_; }
  uint64_t connections() const { return connections_; }
  const std::map<std::string, uint64_t>& last() const { return last_; }

 private:
  void Accept(const std::vector<Delivered>& batch);

  const uint16_t port_;
  std::unique_ptr<skald::Store> store_;
  std::unique_ptr<skald::Committer> committer_;
  const skald::Inbox inbox_{"judge"};
  std::unique_ptr<Peer> peer_;
  std::map<std::string, uint64_t> last_;
  uint64_t accepted_ = 0, repeated_ = 0, disorder_ = 0, connections_ = 0;
};

}  // namespace skald_test
