// Reading the journal at open: every block, every saga, before anything is answered or resumed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core.h"

namespace skald::inline v1::internal {

class Recovery {
 public:
  explicit Recovery(Core& core) : core_(core) {}
  ~Recovery();

  // Reads everything; changes nothing. RETURNS: DataLoss, naming the block.
  absl::Status Scan();
  // Engine time of the last block; the epoch when there is none.
  absl::Time last_time() const { return last_time_; }
  // Gives the sagas to their shards, which must exist, and sets the core's counters.
  void HandOver();

 private:
  struct BlockSeen {
    uint64_t sequence;
    size_t bytes;
  };

  absl::Status ScanBlock(uint64_t sequence, std::string_view bytes);
  void ScanEntry(const BlockEntry& entry);
  absl::Status ScanAsleep();
  static bool EndsFinished(std::string_view journal);

  Core& core_;
  absl::Time last_time_ = absl::UnixEpoch();
  uint64_t next_incarnation_ = 1;
  std::vector<BlockSeen> blocks_;
  absl::flat_hash_map<SagaId, std::unique_ptr<Machine>> sagas_;
  std::vector<WakeTime> asleep_;
};

// Folds a journal that was read, with its definition; says in `halted` what stands in the way.
void FoldJournal(const Core& core, Machine& machine);

}  // namespace skald::inline v1::internal
