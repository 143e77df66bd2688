// A memtable's rows in order: sorted in runs of some hundred and some thousand, and merged by who
// goes over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "memtable_row.h"
#include "rocksdb/memtablerep.h"

namespace skald::inline v1::rocks::memtable {

struct Slot {
  uint64_t bytes;  // of its key, behind what all keys of the run begin with
  const Node* node;
};

// Some rows in their order. Does not change.
class Run {
 public:
  // REQUIRES: not empty. COST: O(n log n) comparisons, mostly of numbers; O(n) of what is sorted.
  explicit Run(std::vector<Slot> rows);

  size_t size() const { return slots_.size(); }
  const Node* operator[](size_t at) const { return slots_[at].node; }
  const std::vector<Slot>& slots() const { return slots_; }

  // RETURNS: the place of the first that is not before `key`; size(): there is none.
  size_t Seek(const Key& key) const;

 private:
  std::vector<Slot> slots_;
  std::string_view begin_;  // what all keys begin with
};

using Runs = std::vector<std::shared_ptr<const Run>>;

// Goes over runs, merged. At a row, each run stands at its first that is not before it, when going
// forward, and behind its last that is not behind it, when going back.
class Merge final : public rocksdb::MemTableRep::Iterator {
 public:
  explicit Merge(Runs runs);

  bool Valid() const override { return !heap_.empty(); }
  const char* key() const override { return Current()->entry(); }
  void Next() override;
  void Prev() override;
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override;
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* entry) override;
  void SeekToFirst() override;
  void SeekToLast() override;

 private:
  const Node* Of(uint32_t run) const { return (*runs_[run])[forward_ ? at_[run] : at_[run] - 1]; }
  const Node* Current() const { return Of(heap_.front()); }
  bool HasMore(uint32_t run) const {
    return forward_ ? at_[run] < runs_[run]->size() : at_[run] > 0;
  }
  bool Sooner(uint32_t a, uint32_t b) const;

  // To the first that is not before `key`; `beyond`: that is behind it.
  void SeekForward(const Key& key, bool beyond);
  // To the last that is not behind `key`; `beyond`: that is before it.
  void SeekBack(const Key& key, bool beyond);
  void MakeHeap();
  void Replace();
  void SiftDown(size_t at);

  const Runs runs_;
  std::vector<size_t> at_;
  std::vector<uint32_t> heap_;  // the runs that have another row on the way, the next one's first
  bool forward_ = true;
};

}  // namespace skald::inline v1::rocks::memtable
