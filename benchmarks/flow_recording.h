// What a run of order_flow wrote, commit by commit and row by row: the ceiling of claim 15 writes
// it once more. Journal, barrier and business rows with the keys and values that they had; not what
// the store adds for itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/store/forwarding_store.h"

namespace skald::bench {

// The commits of one database. Recorded first as they come, into memory that was there before and
// is kept for the next run: to touch new memory would cost the run a tenth of its time. Sorted
// then.
class RecordedDatabase {
 public:
  struct Write {
    Space space;
    bool deletes;
    std::string_view key;
    std::string_view value;
  };

  explicit RecordedDatabase(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  uint64_t commits() const { return commit_writes_.size(); }
  uint64_t rows() const { return rows_; }
  uint64_t bytes() const { return bytes_; }  // of keys and values

  // Forgets all and keeps the memory.
  void Clear();
  // Makes room for so many bytes, and touches it.
  void Reserve(size_t bytes);
  // COST: a copy of its bytes.
  void Add(const Batch& batch);
  // Puts the rows of each commit in the order of their keys, and of several writes of one row keeps
  // the last, as a store does well to write them.
  void Sort();
  // REQUIRES: Sort(). Visitor: void(const Write&).
  template <typename Visitor>
  void ForEachOf(size_t commit, Visitor&& visit) const {
    const char* at = sorted_.data() + (commit == 0 ? 0 : ends_[commit - 1]);
    while (at < sorted_.data() + ends_[commit]) visit(Next(at));
  }

 private:
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  struct Header {
    Space space;
    bool deletes;
    uint32_t key_bytes;
    uint32_t value_bytes;
  };
  struct Chunk {
    explicit Chunk(size_t size) : bytes(size) {}
    std::vector<char> bytes;
    size_t used = 0;
  };
  static Write Next(const char*& at);
  static size_t SizeOf(const Write& write);
  // RETURNS: behind it.
  static char* Pack(const Write& write, char* to);
  char* RoomFor(size_t size);

  const std::string name_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t chunks_used_ = 0;               // the last of them is being filled
  std::vector<uint32_t> commit_writes_;  // as they came
  std::vector<char> sorted_;
  std::vector<size_t> ends_;  // of each commit in `sorted_`
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

using Recording = std::vector<std::unique_ptr<RecordedDatabase>>;

// Records what becomes durable in its target while `on`.
// THREADS: commits by one thread at a time, as a Committer makes them.
class RecordingStore final : public ForwardingStore {
 public:
  // `on` and `record` outlive it.
  RecordingStore(std::unique_ptr<Store> target, const std::atomic<bool>& on,
                 RecordedDatabase& record)
      : ForwardingStore(*target), owned_(std::move(target)), on_(on), record_(record) {}

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;

 private:
  std::unique_ptr<Store> owned_;
  const std::atomic<bool>& on_;
  RecordedDatabase& record_;
};

}  // namespace skald::bench
