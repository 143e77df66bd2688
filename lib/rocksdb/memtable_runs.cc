#include "memtable_runs.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1::rocks::memtable {
namespace {

// The eight bytes from `at` on, so that they compare as numbers as they do as bytes; those beyond
// the end are zero.
uint64_t BytesFrom(std::string_view user, size_t at) {
  uint64_t bytes = 0;
  const size_t count = user.size() <= at ? 0 : std::min(user.size() - at, sizeof(bytes));
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    bytes = bytes << 8 | (i < count ? static_cast<unsigned char>(user[at + i]) : 0U);
  }
  return bytes;
}

std::string_view CommonBegin(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  const auto differ = std::mismatch(a.begin(), a.begin() + most, b.begin()).first;
  return a.substr(0, static_cast<size_t>(differ - a.begin()));
}

bool SlotBefore(const Slot& a, const Slot& b) {
  return a.bytes != b.bytes ? a.bytes < b.bytes : Before(a.node->key(), b.node->key());
}

}  // namespace

Run::Run(const std::vector<const Node*>& rows) {
  slots_.reserve(rows.size());
  std::string_view begin = rows.front()->user();
  for (const Node* const row : rows) {
    slots_.push_back({0, row});
    begin = CommonBegin(begin, row->user());
  }
  SetBegin(begin);
  // (Keys that grow come sorted.)
  if (!std::is_sorted(slots_.begin(), slots_.end(), SlotBefore)) {
    std::sort(slots_.begin(), slots_.end(), SlotBefore);
  }
}

Run::Run(const Run& a, const Run& b) {
  slots_.reserve(a.size() + b.size());
  if (a.begin_ == b.begin_) {
    begin_ = a.begin_;
    std::merge(a.slots_.begin(), a.slots_.end(), b.slots_.begin(), b.slots_.end(),
               std::back_inserter(slots_), SlotBefore);
    return;
  }
  std::merge(a.slots_.begin(), a.slots_.end(), b.slots_.begin(), b.slots_.end(),
             std::back_inserter(slots_), [](const Slot& one, const Slot& other) {
               return Before(one.node->key(), other.node->key());
             });
  SetBegin(CommonBegin(a.begin_, b.begin_));
}

void Run::SetBegin(std::string_view begin) {
  begin_ = begin;
  for (Slot& slot : slots_) slot.bytes = BytesFrom(slot.node->user(), begin.size());
}

size_t Run::CountBefore(const Key& key) const {
  const int order = key.user.substr(0, begin_.size()).compare(begin_);
  if (order != 0) return order < 0 ? 0 : size();
  const uint64_t bytes = BytesFrom(key.user, begin_.size());
  const auto found = std::partition_point(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.bytes != bytes ? slot.bytes < bytes : Before(slot.node->key(), key);
  });
  return static_cast<size_t>(found - slots_.begin());
}

size_t Run::CountUpTo(const Key& key) const {
  const size_t at = CountBefore(key);
  return at == size() || Before(key, slots_[at].node->key()) ? at : at + 1;
}

RunsCursor::RunsCursor(Runs runs) : runs_(std::move(runs)), at_(runs_.size(), 0) {
  heap_.reserve(runs_.size());
}

void RunsCursor::Next() {
  SKALD_DCHECK(Valid());
  if (forward_) {
    ++at_[heap_.front()];
    return Replace();
  }
  const Key key = row()->key();
  forward_ = true;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->CountUpTo(key);
  MakeHeap();
}

void RunsCursor::Prev() {
  SKALD_DCHECK(Valid());
  if (!forward_) {
    --at_[heap_.front()];
    return Replace();
  }
  const Key key = row()->key();
  forward_ = false;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->CountBefore(key);
  MakeHeap();
}

void RunsCursor::Seek(const Key& key) {
  forward_ = true;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->CountBefore(key);
  MakeHeap();
}

void RunsCursor::SeekForPrev(const Key& key) {
  forward_ = false;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->CountUpTo(key);
  MakeHeap();
}

void RunsCursor::SeekToFirst() {
  forward_ = true;
  std::fill(at_.begin(), at_.end(), 0);
  MakeHeap();
}

void RunsCursor::SeekToLast() {
  forward_ = false;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->size();
  MakeHeap();
}

bool RunsCursor::Sooner(uint32_t a, uint32_t b) const {
  return forward_ ? Before(Of(a)->key(), Of(b)->key()) : Before(Of(b)->key(), Of(a)->key());
}

void RunsCursor::MakeHeap() {
  heap_.clear();
  for (uint32_t i = 0; i < runs_.size(); ++i) {
    if (HasMore(i)) heap_.push_back(i);
  }
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
}

// The first run has gone on by one row.
void RunsCursor::Replace() {
  if (!HasMore(heap_.front())) {
    heap_.front() = heap_.back();
    heap_.pop_back();
  }
  if (!heap_.empty()) SiftDown(0);
}

void RunsCursor::SiftDown(size_t at) {
  const uint32_t run = heap_[at];
  for (size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && Sooner(heap_[child + 1], heap_[child])) ++child;
    if (!Sooner(heap_[child], run)) break;
    heap_[at] = heap_[child];
    at = child;
  }
  heap_[at] = run;
}

}  // namespace skald::inline v1::rocks::memtable
