// Rows that were written lately, beside the memtables that hold them too: here a row is found by
// its hash, where a memtable is searched from the top.
//
// Exact: a row stands here only while it is just what the database shows. All rows are written by
// one writer at a time, who tells of each before the write that makes it visible, and of the write
// once it is durable. In between the row is not found here, and who asks the database instead sees
// the rows of one write all at once. Nothing is taken in from reads, which race with writes.
//
// One lives as long as one opening of the database: whatever an error leaves open ends with it.
//
//   cache.Put("k", version, "v", 7);   // on its way in write batch 7: not found
//   …                                  // batch 7 is durable
//   cache.Publish(7);
//   cache.Find("k");                   // the row
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "skald/base/mutex.h"
#include "skald/store/batch.h"
#include "skald/store/store.h"

namespace skald::inline v1::rocks {

// THREADS: Find and FindVersion any; the others one at a time.
class RowCache {
 public:
  // `bytes`: what all rows with their keys and the tables of them may take; less than that until
  // there are as many.
  explicit RowCache(size_t bytes);
  ~RowCache();

  // Batch `ordinal` puts this. What is too large is only forgotten. COST: O(bytes), one lock.
  void Put(std::string_view key, Version version, std::string_view value, uint64_t ordinal);
  void Forget(std::string_view key);
  // As KeyRange. COST: a look at all rows.
  void ForgetRange(std::string_view from, std::string_view to);
  // Batch `ordinal` and all before it are what the database shows.
  void Publish(uint64_t ordinal) { published_.store(ordinal, std::memory_order_release); }

  // RETURNS: nullopt: ask the database.
  std::optional<Row> Find(std::string_view key);
  std::optional<Version> FindVersion(std::string_view key);

 private:
  struct Entry;
  struct Key {
    std::string_view bytes;
    uint64_t hash;
  };

  // Rows one behind the other and a hash table of where they lie. They go all at once.
  class Generation {
   public:
    explicit Generation(size_t bytes);

    // RETURNS: null: it has no such row. One that was forgotten is found, see Entry.
    Entry* Find(const Key& key);
    // A forgotten row to be set, in place of an earlier one of its key. RETURNS: null: no room.
    Entry* Add(const Key& key, size_t value_bytes);
    void ForgetRange(std::string_view from, std::string_view to);
    void Clear();

   private:
    // Holds a part of the hash and where the row lies; 0: nothing.
    uint64_t& SlotOf(const Key& key);
    Entry* At(uint64_t slot);

    size_t slots_count_;  // a power of two
    size_t bytes_max_;
    std::unique_ptr<uint64_t[]> slots_;
    std::unique_ptr<char[]> bytes_;
    size_t used_ = 0;
    size_t rows_ = 0;
  };

  // Rows go into the young generation. When it is full the old one is cleared and they change
  // places. What is found in the old one is copied into the young one, and so stays.
  struct Shard {
    explicit Shard(size_t bytes) : young(bytes / 2), old(bytes / 2) {}

    Mutex mutex;
    // What is in both counts as it is in the young one.
    Generation young SKALD_GUARDED_BY(mutex);
    Generation old SKALD_GUARDED_BY(mutex);
  };

  // Where rows are hardly read again, to keep them only costs: for a while none is.
  bool Pays();
  void ForgetAll();
  Shard& ShardOf(const Key& key);
  static void ForgetIn(Shard& shard, const Key& key) SKALD_REQUIRES(shard.mutex);
  // RETURNS: null: not there, or its batch is not published.
  Entry* FindIn(Shard& shard, const Key& key) SKALD_REQUIRES(shard.mutex);
  // What `told` makes of the row's entry.
  template <typename T, typename F>
  std::optional<T> FindAs(std::string_view key, F told);

  const size_t row_bytes_max_;
  std::atomic<uint64_t> published_{0};
  std::atomic<uint64_t> found_{0};  // since the last judgement
  // The writer's: rows until the next judgement, and whether they are kept.
  uint64_t rows_left_;
  bool keeps_ = true;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace skald::inline v1::rocks
