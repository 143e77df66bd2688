// All rows of a memtable: put and found by their hash, and in order in runs. What HashedMemtable
// hands to RocksDB, without RocksDB.
//
// THREADS: one writer; readers any. A reader sees what was inserted before it looked, and may see
//   what was inserted since; RocksDB tells them apart by their numbers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "memtable_row.h"
#include "memtable_runs.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks::memtable {

// The buckets that a number of rows have been put into. When there are as many rows as buckets
// another of twice the size takes the next ones and this one stays as it is: nothing moves under a
// reader.
class Buckets {
 public:
  explicit Buckets(size_t count, std::unique_ptr<Buckets> smaller);
  ~Buckets();
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;

  size_t count() const { return mask_ + 1; }
  const Buckets* smaller() const { return smaller_.get(); }
  void Insert(Node* node, uint64_t hash);
  // RETURNS: the newest version here; null: none.
  const Node* Find(std::string_view user, uint64_t hash) const;

 private:
  const std::unique_ptr<Buckets> smaller_;  // those that were full before
  const size_t mask_;
  std::atomic<Node*>* const heads_;
};

// The versions of one key, from the one that is asked for on to older ones. Valid as long as the
// rows are.
class Versions {
 public:
  explicit Versions(const Buckets* newest) : buckets_(newest) {}

  const Node* row() const { return row_; }  // null: there is none, or none any more
  // To the newest that is not newer than `key`, whose bytes stay where they are. Once.
  void Seek(const Key& key);
  // REQUIRES: row() != nullptr.
  void Next() {
    row_ = row_->older;
    Settle();
  }

 private:
  void Settle();

  const Buckets* buckets_;
  const Node* row_ = nullptr;
  Key sought_{};
  uint64_t hash_ = 0;
};

class HashedRows {
 public:
  HashedRows();

  // By the writer alone. REQUIRES: the node's entry is written and newer than all of its key. COST:
  // some two cache misses and a share of a sort: each 256th row sorts as many, and merges up to
  // 8,192. (Out of memory ends the process: what is half inserted cannot be taken back.)
  void Insert(Node* node) noexcept;
  // No more come.
  void Seal() noexcept;

  Versions AllVersions() const { return Versions(newest_.load(std::memory_order_acquire)); }
  Runs TakeRuns() SKALD_EXCLUDES(mutex_);
  // What it has beside the nodes.
  size_t own_bytes() const { return own_bytes_.load(std::memory_order_relaxed); }

 private:
  // Rows that are not sorted yet; a reader sorts its copy of them.
  struct Tail {
    static constexpr size_t kRows = 256;
    std::atomic<size_t> count = 0;
    const Node* rows[kRows];
  };

  static std::vector<const Node*> RowsOf(const Tail& tail);
  void GrowBuckets(size_t count);
  void SortTail();
  void AddBytes(size_t bytes) { own_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  // The writer's.
  std::unique_ptr<Buckets> buckets_;
  size_t rows_ = 0;  // in `buckets_`

  std::atomic<const Buckets*> newest_{nullptr};
  std::atomic<size_t> own_bytes_{0};

  Mutex mutex_;
  // The writer changes both under the mutex, and adds to the tail and reads the runs without.
  std::unique_ptr<Tail> tail_;
  std::shared_ptr<const Runs> runs_;
};

}  // namespace skald::inline v1::rocks::memtable
