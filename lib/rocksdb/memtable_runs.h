// A memtable's rows in order: in sorted runs, which who goes over them merges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "memtable_row.h"

namespace skald::inline v1::rocks::memtable {

struct Slot {
  uint64_t bytes;  // of its key, behind what all keys of the run begin with
  const Node* node;
};

// Some rows in their order. Does not change.
class Run {
 public:
  // REQUIRES: not empty. COST: n log n comparisons, mostly of numbers.
  explicit Run(const std::vector<const Node*>& rows);
  // All rows of both. COST: a comparison a row.
  Run(const Run& a, const Run& b);

  size_t size() const { return slots_.size(); }
  const Node* operator[](size_t at) const { return slots_[at].node; }
  // RETURNS: how many are before `key`.
  size_t CountBefore(const Key& key) const;
  // RETURNS: how many are before `key` or at it.
  size_t CountUpTo(const Key& key) const;

 private:
  // What all keys begin with becomes `begin`, and what is behind it in each is seen to.
  void SetBegin(std::string_view begin);

  std::vector<Slot> slots_;
  std::string_view begin_;
};

using Runs = std::vector<std::shared_ptr<const Run>>;

// Goes over runs, merged, forth and back. At a row, each run stands at its first that is not before
// it, when going forward, and behind its last that is not behind it, when going back.
//
// COST: Next and Prev a comparison for each doubling of the number of runs; the others, and the
// first step the other way, a search in each run.
class RunsCursor {
 public:
  explicit RunsCursor(Runs runs);

  bool Valid() const { return !heap_.empty(); }
  const Node* row() const { return Of(heap_.front()); }
  // REQUIRES: Valid().
  void Next();
  void Prev();
  // To the first that is not before `key`.
  void Seek(const Key& key);
  // To the last that is not behind `key`.
  void SeekForPrev(const Key& key);
  void SeekToFirst();
  void SeekToLast();

 private:
  const Node* Of(uint32_t run) const { return (*runs_[run])[forward_ ? at_[run] : at_[run] - 1]; }
  bool HasMore(uint32_t run) const {
    return forward_ ? at_[run] < runs_[run]->size() : at_[run] > 0;
  }
  bool Sooner(uint32_t a, uint32_t b) const;
  void MakeHeap();
  void Replace();
  void SiftDown(size_t at);

  const Runs runs_;
  std::vector<size_t> at_;      // of each run: how many are before its place
  std::vector<uint32_t> heap_;  // the runs that have another row on the way, the next one's first
  bool forward_ = true;
};

}  // namespace skald::inline v1::rocks::memtable
