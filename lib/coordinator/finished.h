// Finished sagas: the record by id that is kept of each, as bytes and in memory.
//
// A record is derived from the journal and written later, sorted, many at a time. Until its row is
// durable, and for one generation longer, it is answered from memory: a thread that reads the store
// for a key cannot miss what moved there meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"
#include "skald/base/internal/prefetch.h"
#include "skald/coordinator/internal/watch.h"
#include "skald/coordinator/saga_info.h"
#include "skald/saga/state.h"

namespace skald::inline v1::internal {

struct FinishedRecord {
  SagaId id;
  std::string_view definition;
  uint32_t version = 0;
  std::string_view key;
  Hash128 input_fingerprint;
  SagaState state = SagaState::kCompleted;
  std::string_view reason;
  std::string_view step;
  std::optional<std::string_view> result;
  absl::Time started;
  absl::Time finished;
  absl::Time expires;
  uint32_t sequence = 0;
  std::string_view signals;  // the marks of those that it took
};

// What is kept of a signal: a hash of its step and its deduplication key.
inline constexpr size_t kSignalMarkBytes = 16;
std::string SignalMark(std::string_view step, std::string_view key);
bool TookSignal(const FinishedRecord& record, std::string_view mark);

void AppendFinished(const FinishedRecord& record, std::string* out);
// Reads one record off the front of `bytes`; its views point there.
absl::StatusOr<FinishedRecord> ReadFinished(std::string_view& bytes);

// The row's key in Space::kRows. The row holds every kept record of the hash, normally one.
std::string FinishedKey(uint64_t hash);
inline constexpr std::string_view kFinishedFrom = "s";
inline constexpr std::string_view kFinishedTo = "t";

// The record of (definition, key) among those of a row that has not expired by `now`; nullopt:
// none.
absl::StatusOr<std::optional<FinishedRecord>> FindFinished(std::string_view row,
                                                           std::string_view definition,
                                                           std::string_view key, absl::Time now);
absl::StatusOr<std::optional<FinishedRecord>> FindFinished(std::string_view row, SagaId id,
                                                           absl::Time now);

Settled ToSettled(const FinishedRecord& record);
SagaInfo ToInfo(const FinishedRecord& record);

// One generation of records in memory.
class FinishedSet {
 public:
  void Add(const FinishedRecord& record, uint64_t home, bool row_existed);
  size_t size() const { return entries_.size(); }
  size_t size_bytes() const { return bytes_.size(); }
  bool empty() const { return entries_.empty(); }

  // A hash and its newest record. Valid until Clear.
  struct Place {
    uint64_t hash = 0;
    uint32_t newest = 0;  // 1 + index of its entry; 0: none
    uint32_t offset = 0;  // of its bytes
  };
  Place Find(uint64_t hash) const;
  // Each hash once, in ascending order.
  std::vector<Place> Sorted() const;
  // Appends all records of a place, one after another, in the row's format.
  void AppendRowOf(const Place& place, std::string* row) const;
  // Whether another key's record, or an earlier one, stood in the row when one of these began.
  bool RowExisted(const Place& place) const;
  // What the next call about it will look at.
  void PrefetchRowOf(const Place& place) const { Prefetch(bytes_.data() + place.offset, 128); }
  void PrefetchHash(uint64_t hash) const { newest_.prefetch(hash); }
  // Whether a record of the hash is here. O(1).
  bool Contains(uint64_t hash) const { return newest_.contains(hash); }

  struct Entry {
    uint64_t hash;
    uint32_t offset;
    uint32_t size;
    uint32_t older;  // 1 + index of the previous entry with this hash; 0: none
    bool row_existed;
    uint64_t home;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  std::string_view bytes(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.offset, entry.size);
  }
  void Clear();

 private:
  std::string bytes_;
  std::vector<Entry> entries_;
  absl::flat_hash_map<uint64_t, uint32_t> newest_;
};

}  // namespace skald::inline v1::internal
