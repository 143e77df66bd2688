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

// The commits of one database, packed one behind the other.
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
  size_t commits() const { return ends_.size(); }
  uint64_t rows() const { return rows_; }
  uint64_t bytes() const { return bytes_; }  // of keys and values

  // Rows in the order of their keys, as a store does well to write them.
  void Add(const Batch& batch);
  // Visitor: void(const Write&).
  template <typename Visitor>
  void ForEachOf(size_t commit, Visitor&& visit) const {
    size_t at = commit == 0 ? 0 : ends_[commit - 1];
    while (at < ends_[commit]) visit(Next(at));
  }

 private:
  struct Header {
    Space space;
    bool deletes;
    uint32_t key_bytes;
    uint32_t value_bytes;
  };
  Write Next(size_t& at) const;
  void Append(const Unit::Op& op);

  std::string name_;
  std::vector<char> packed_;
  std::vector<size_t> ends_;  // of each commit
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

using Recording = std::vector<std::unique_ptr<RecordedDatabase>>;

// Counts what becomes durable in its target while `counts.on`, and records it where `record` is not
// null.
// THREADS: commits by one thread at a time, as a Committer makes them.
class CountingStore final : public ForwardingStore {
 public:
  struct Counts {
    std::atomic<bool> on = false;
    std::atomic<uint64_t> commits = 0;
    std::atomic<uint64_t> rows = 0;
  };

  CountingStore(std::unique_ptr<Store> target, Counts& counts, RecordedDatabase* record)
      : ForwardingStore(*target), owned_(std::move(target)), counts_(counts), record_(record) {}

  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;

 private:
  std::unique_ptr<Store> owned_;
  Counts& counts_;
  RecordedDatabase* record_;
};

}  // namespace skald::bench
