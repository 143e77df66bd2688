// Reading the journal at open: every block is checked and every saga found before anything is
// answered or resumed. What a saga's events come to is left to its shard (unfolded.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core.h"
#include "unfolded.h"

namespace skald::inline v1::internal {

class Recovery {
 public:
  explicit Recovery(Core& core);
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
  absl::Status ScanAsleep();

  Core& core_;
  absl::Time last_time_ = absl::UnixEpoch();
  uint64_t next_incarnation_ = 1;
  std::vector<BlockSeen> blocks_;
  Block block_;  // the one that is being read
  std::vector<Unfolded> of_shards_;
  std::vector<WakeTime> asleep_;
};

// Folds a journal that was read, with its definition; says in `halted` what stands in the way.
void FoldJournal(const Core& core, Machine& machine);

// The rest of a finished saga's journal, whose first blocks are dropped: its record is kept by id.
bool IsLeftover(const Machine& machine);

}  // namespace skald::inline v1::internal
