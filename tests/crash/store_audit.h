// Plays a writer of a store through power losses and keeps outside what it was told: after each
// restart everything acknowledged must be there, and what was under way must settle.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "skald/rocksdb/testing/fault_file_system.h"
#include "skald/rocksdb/testing/hooks.h"
#include "skald/store/store.h"

namespace skald {

class StoreAudit {
 public:
  struct Counts {
    int lives = 0;              // openings that came through
    int died_opening = 0;       // the power went during recovery
    int commits = 0;            // acknowledged
    int drops = 0;              // acknowledged DropRange
    int settled_there = 0;      // unknown at the power loss, found applied
    int settled_not_there = 0;  // unknown at the power loss, found not applied
  };

  StoreAudit(std::string path, uint64_t seed, RocksDbTestHooks hooks);

  // Lives `lives` lives, each ended by a power loss at a random point.
  // RETURNS: what was wrong, first fault only; empty: nothing.
  std::string Run(int lives);
  const Counts& counts() const { return counts_; }

 private:
  struct Row {
    Version version = Version::kAbsent;
    std::string value;
    friend bool operator==(const Row&, const Row&) = default;
  };
  using Rows = std::map<std::string, Row>;
  struct Model {
    Rows rows;
    Rows log;  // versions stay kAbsent
    uint64_t last_number = 0;
    uint64_t last_ticket = 0;
  };
  struct PendingDrop {
    KeyRange range;
  };

  std::string Live();
  std::string Settle(Store& store, const Acquired& acquired);
  std::string Work(Store& store, const Fence& fence);
  std::string Compare(Store& store);
  std::string CompareSpace(Store& store, Space space, const Rows& expected);
  std::string CheckDropLeftSuffix(Store& store);
  Batch MakeBatch();
  void Apply(const Batch& batch);
  void ApplyDrop(const KeyRange& range);
  // Empty when the power is lost, which ends the life; else a fault.
  std::string Unless(const char* what, const absl::Status& status);

  const std::string path_;
  SeededRandom random_;
  const RocksDbTestHooks hooks_;
  const std::shared_ptr<FaultFileSystem> disk_;
  uint16_t writer_ = 0;
  Model model_;
  std::optional<Batch> unknown_;  // sent, not answered
  std::optional<PendingDrop> unknown_drop_;
  Counts counts_;
};

}  // namespace skald
