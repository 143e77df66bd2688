// Sagas as the journal was read at open: where their events stand, and not yet what they come to.
//
// To read a saga's events costs a fraction of what it costs to make a saga of them. So an open only
// notes where they are, and each shard reads them again and folds them while it runs already: one
// block after another, and at once the saga that somebody asks for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "growing_array.h"
#include "large_pages.h"
#include "skald/base/ids.h"
#include "skald/saga/journal.h"
#include "skald/store/store.h"

namespace skald::inline v1::internal {

template <typename K, typename V>
using LargeHashMap = absl::flat_hash_map<K, V, absl::Hash<K>, std::equal_to<K>,
                                         LargePageAllocator<std::pair<const K, V>>>;

// Those of one shard. Filled by the thread that opens, then its loop's.
class Unfolded {
  static constexpr uint32_t kTaken = ~uint32_t{0};

 public:
  struct Saga {
    SagaId id;
    uint32_t first = kTaken;       // piece of its journal; kTaken: it is asleep, or folded by now
    uint32_t newest = 0;           // piece
    uint32_t home = 0;             // index of the block that its journal begins in
    uint32_t bytes : 31 = 0;       // of its journal
    uint32_t is_finished : 1 = 0;  // its last event says so
  };
  // One with its journal.
  struct Found {
    SagaId id;
    uint64_t home = 0;
    bool is_finished = false;
    std::string journal;
  };

  // ---- while the journal is read
  void AddBlock(uint64_t sequence, size_t bytes);
  // An entry of the newest block. RETURNS: DataLoss: another saga has its incarnation.
  absl::Status Add(const BlockEntry& entry, std::string_view block);
  void EndAdding();

  // ---- afterwards
  bool empty() const { return left_ == 0; }
  template <typename F>
  void ForEach(F f) const {
    for (size_t place = 0; place < sagas_.size(); ++place) {
      if (IsLeft(sagas_[place])) f(sagas_[place]);
    }
  }
  // The next one, in the order of their last events: what has happened longest ago first.
  // RETURNS: why a block could not be read; the next call tries it again. REQUIRES: !empty().
  // COST: one read a block.
  absl::StatusOr<Found> Next(Store& store);
  // All of this hash, oldest first. RETURNS: why one could not be read; all are left then.
  // COST: the first call indexes all; one read a piece.
  absl::StatusOr<std::vector<Found>> TakeHash(uint64_t hash, Store& store);

 private:
  // Where so many neighbouring incarnations stand: they are found near each other, and there may be
  // any gaps between them.
  static constexpr size_t kPageSagas = 16;
  using Page = std::array<uint32_t, kPageSagas>;  // 1 + index in sagas_; 0: none

  struct Piece {
    uint32_t saga;    // index
    uint32_t offset;  // of its bytes in the block
    uint32_t size;
    uint32_t older;  // piece of the same saga, where this is not its first
  };
  struct SeenBlock {
    uint64_t sequence;
    size_t bytes;
    uint32_t end;  // its pieces end before this one
  };

  static bool IsLeft(const Saga& saga) { return saga.first != kTaken; }
  // Its saga is left, and nothing newer repeats what it says.
  bool IsNeeded(uint32_t piece) const { return piece >= sagas_[pieces_[piece].saga].first; }
  absl::StatusOr<uint32_t> PlaceOf(const SagaId& id);
  uint32_t& SlotOf(const SagaId& id);
  void Index();
  absl::StatusOr<std::string> ReadAgain(size_t block, Store& store) const;
  absl::Status ReadNextNeeded(Store& store);
  absl::StatusOr<std::string> ReadJournal(uint32_t place, Store& store) const;
  Found Take(uint32_t place, std::string journal);

  GrowingArray<Saga> sagas_;
  GrowingArray<Piece> pieces_;  // of all blocks, in order
  std::vector<SeenBlock> blocks_;
  size_t left_ = 0;

  // While the journal is read.
  GrowingArray<Page> pages_;
  absl::flat_hash_map<uint64_t, uint32_t> page_of_;  // by incarnation / kPageSagas: index
  uint64_t newest_number_ = ~uint64_t{0};            // the page that was asked for last
  uint32_t newest_page_ = 0;

  // Afterwards.
  bool indexed_ = false;
  LargeHashMap<uint64_t, uint32_t> place_of_;  // by hash: the newest one
  // Where more than one have a hash: of each but the oldest, the one before it.
  absl::flat_hash_map<uint32_t, uint32_t> same_hash_;
  size_t next_block_ = 0;
  uint32_t next_piece_ = 0;
  std::string bytes_;                                   // of the block before next_block_
  absl::flat_hash_map<uint32_t, std::string> partial_;  // by index: what was read of a journal
};

}  // namespace skald::inline v1::internal
