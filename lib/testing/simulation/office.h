// What participants are made of besides barriers, simulated: two clerks, processes of their own,
// change entities in a database that they share, tell of each change by an outbox, write what only
// the holder of a lease may write, and number things. A broker carries the messages to a consumer
// with a database of its own.
//
//   clerk ──Transaction, Outbox──> committer ──> FaultStore ──> disk
//     │ Lease, IdGenerator                                       │
//     └──────Relay──> publisher ──network──> broker ──> consumer ──Inbox──> its disk
//
// A history of its own behind the world's, by the same seed: neither changes the other.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "skald/base/random.h"
#include "skald/participant/id_generator.h"
#include "skald/participant/lease.h"
#include "skald/participant/outbox.h"
#include "skald/store/committer.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"
#include "skald/testing/oracle.h"
#include "skald/testing/scheduler.h"
#include "skald/testing/simulation.h"
#include "trace.h"

namespace skald::inline v1::internal {

class Office;

// The clerks' disk: tells of each batch that takes effect, once.
class OfficeDisk final : public ForwardingStore {
 public:
  OfficeDisk(Store& target, Office& office) : ForwardingStore(target), office_(office) {}
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;

 private:
  Office& office_;
  absl::btree_map<uint16_t, uint64_t> numbers_;  // of the last batch of each writer
};

// One life of a clerk's process. Outlives its death: late calls still find it.
struct Clerk {
  Clerk(size_t d, uint64_t l) : desk(d), life(l), name(fmt::format("clerk{}", d)) {}

  const size_t desk;    // which of the two
  const uint64_t life;  // counts the lives of both
  const std::string name;
  bool alive = true;
  absl::Duration paused_until = -absl::InfiniteDuration();
  absl::Duration relay_next = -absl::InfiniteDuration();
  absl::Duration lease_next = -absl::InfiniteDuration();
  uint64_t last_id = 0;  // of its generator

  FaultStore* disk = nullptr;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<Relay> relay;
  std::unique_ptr<Lease> lease;
  std::unique_ptr<IdGenerator> ids;
  std::optional<SeededScheduler::ActorId> actor;
};

class Office {
 public:
  explicit Office(const SimulationOptions& options);
  ~Office();

  SimulationReport Run();

  // ---- asked by publishers and disks
  void Publish(const OutgoingMessage& message, Publisher::Done done);
  void OnDurable(const Batch& batch);

 private:
  static constexpr size_t kDesks = 2;
  static constexpr size_t kEntities = 3;

  struct Delivery {
    std::string outbox;
    uint64_t id = 0;
    Message message;
  };

  // ---- office.cc: processes, and what befalls them
  bool Chance(Knob knob);
  absl::Duration Upto(absl::Duration most) { return most * dice_.UnitInterval(); }
  void Plan();
  void Open(size_t desk);
  bool OpenStores(Clerk& clerk);
  void OpenConsumer();
  bool Turn(Clerk& clerk);
  bool Running(const Clerk& clerk) const;
  StoreFault FaultOf(FaultStore& view, StoreCall call, const std::shared_ptr<Clerk>& clerk);
  void Die(Clerk& clerk);
  void TakeApart(Clerk& clerk);
  void Step();
  void Heal();
  bool Settled();

  // ---- office_work.cc: what clerks and the consumer do, and what must be true of it
  void Change(size_t desk);
  void WriteGuarded(size_t desk);
  void DrawIds(size_t desk);
  void OnId(Clerk& clerk, uint64_t id);
  // 0: each desk has a worker of its own; 1: both are given one by mistake; 2: a lease decides.
  uint64_t KindOfIds() const { return profile_.seed % 3; }
  void ReopenIds(Clerk& clerk);
  void RetryParked(size_t desk);
  void Arrive(Delivery delivery);
  void Consume();
  void CheckHolders();
  void Judge();
  void JudgeMessages(const std::string& entity, int64_t count, std::string_view got);

  const SimulationProfile profile_;
  SeededScheduler scheduler_;
  Trace trace_;
  SeededRandom dice_;     // what happens
  SeededRandom faults_;   // what goes wrong
  SeededRandom retries_;  // the relays' and leases' own
  Oracle oracle_;
  bool healed_ = false;

  MemoryStore memory_;
  OfficeDisk disk_;
  MemoryStore consumer_memory_;
  std::vector<std::unique_ptr<FaultStore>> views_;
  std::vector<std::shared_ptr<Clerk>> lives_;
  std::shared_ptr<Clerk> desks_[kDesks];
  absl::Duration full_until_ = -absl::InfiniteDuration();

  std::unique_ptr<Committer> consumer_;
  std::deque<Delivery> queue_;  // at the broker, oldest first
  bool consuming_ = false;

  int64_t told_[kEntities] = {};             // the highest count that was acknowledged
  absl::btree_set<std::string> sent_;        // messages, by outbox and id
  uint64_t refused_ = 0;                     // of them, for good
  absl::btree_set<uint64_t> given_;          // ids
  uint64_t last_ids_[kDesks] = {};           // of each desk, over all lives
  std::pair<uint64_t, uint64_t> guarded_{};  // fence and life of the last guarded write
};

// The office's history of `options.profile`.
SimulationReport RunOffice(const SimulationOptions& options);

}  // namespace skald::inline v1::internal
