// The store: an ordered key-value map with atomic, durable, numbered, fenced batches.
//
// It never sees a saga, only keys and bytes. Implementations: MemoryStore (store/memory_store.h),
// RocksDB (rocksdb/rocksdb_store.h), ForwardingStore for wrappers; a third party's passes
// testing/store_contract.h. Most code does not call Commit itself but goes through a Committer
// (store/committer.h), which numbers, joins and settles batches.
//
//   auto lease = store.Acquire("coordinator");              // raises the epoch, durably
//   Batch batch{.number = lease->last_number + 1, .ticket = lease->last_ticket + 1};
//   batch.units.emplace_back().Put(Space::kRows, "k", "v");
//   auto result = store.Commit(lease->fence, batch);        // OK: durable
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/store/batch.h"

namespace skald::inline v1 {

// Proof of who may write. Equal writers of one store are ordered by epoch; a newer one shuts the
// older out.
struct Fence {
  StoreId store{};
  uint16_t writer = 0;  // number of the writer's name in this store, from 1
  uint64_t epoch = 0;

  friend bool operator==(const Fence&, const Fence&) = default;
};

// What Acquire found and made.
struct Acquired {
  Fence fence;
  uint64_t last_number = 0;  // of the last batch that this writer's name committed; 0: none
  uint64_t last_ticket = 0;  // highest ticket used by them, over all units
};

struct Row {
  Version version = Version::kAbsent;
  std::string value;
};

// [from, to); an empty `to` means no upper bound.
struct KeyRange {
  std::string from;
  std::string to;
};

struct StoreLimits {
  size_t batch_bytes = size_t{8} << 20;  // sum of Unit::size_bytes() of a batch
  size_t value_bytes = size_t{4} << 20;  // of one value
  size_t batch_units = 65'536;
};

struct CommitResult {
  // Indexes of units whose requirements do not hold, ascending. Empty: the batch is durable. Not
  // empty: nothing of the batch applied and its number is still free. Units are judged in order;
  // each sees what the units before it write, but for those that failed: what builds on a failed
  // unit is named too.
  std::vector<uint32_t> failed_units;
};

// For implementations, so that all refuse the same things in the same words.
// RETURNS: InvalidArgument naming the limit that `batch` is over.
SKALD_EXPORT absl::Status CheckLimits(const Batch& batch, const StoreLimits& limits);
SKALD_EXPORT absl::Status CheckLimits(const Unit& unit, const StoreLimits& limits);
// RETURNS: InvalidArgument unless `writer` is 1 to 64 printable ASCII characters.
SKALD_EXPORT absl::Status CheckWriterName(std::string_view writer);

// A snapshot of a range, in key order. Not safe for use by two threads at once.
class SKALD_EXPORT Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool Valid() const = 0;  // false at the end and after an error; then look at status()
  virtual void Next() = 0;
  virtual std::string_view key() const = 0;    // until Next()
  virtual std::string_view value() const = 0;  // until Next()
  virtual Version version() const = 0;         // kAbsent in Space::kLog
  virtual absl::Status status() const = 0;
};

// THREADS: any; a store serialises commits itself.
class SKALD_EXPORT Store {
 public:
  virtual ~Store() = default;

  // Durably raises the epoch of `writer`, so that all older fences of that name are stale.
  // All that is readable after it is durable.
  // REQUIRES: 1 to 64 printable ASCII characters, else InvalidArgument. At most 65,535 names a
  // store.
  virtual absl::StatusOr<Acquired> Acquire(std::string_view writer) = 0;

  // Makes `batch` durable, all or nothing.
  // REQUIRES: batch.size_bytes() <= limits().batch_bytes, and the other limits.
  // RETURNS:  OK                  see CommitResult; also when this very batch was durable already
  //           Aborted             `fence` is stale; on a repetition its outcome stays unknown. Stop
  //           FailedPrecondition  batch.number is neither the writer's last + 1 nor, with an equal
  //                               checksum, its last. Nothing applied
  //           InvalidArgument     over a limit. Nothing applied
  //           other               outcome unknown: repeat the identical batch until it is known
  // COST:     one sync, O(bytes).
  virtual absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) = 0;

  // The row that is durable under `key`; nullopt: none. Log entries have no version.
  virtual absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) = 0;

  // A cursor at the first key of `range`, over a snapshot.
  virtual absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) = 0;

  // Removes a whole range, cheaply; may take effect later and in parts, in key order: what is left
  // after a crash is a suffix of the range.
  // RETURNS: Aborted  `fence` is stale.
  virtual absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) = 0;

  virtual StoreLimits limits() const = 0;
  virtual StoreId id() const = 0;
};

}  // namespace skald::inline v1
