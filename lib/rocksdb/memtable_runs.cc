#include "memtable_runs.h"

#include <algorithm>

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

size_t CommonBytes(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t at = 0;
  while (at < most && a[at] == b[at]) ++at;
  return at;
}

bool SlotBefore(const Slot& a, const Slot& b) {
  return Before(a.node->key(), b.node->key());
}

void Sort(Slot* begin, Slot* end);

// Those of [begin, end) whose eight bytes are alike. All of them only if they are versions of one
// key, or keys of which one is the other with zeros behind: these are few.
void SortAlike(Slot* from, Slot* to, const Slot* begin, const Slot* end) {
  if (from != begin || to != end) return Sort(from, to);
  std::sort(from, to, SlotBefore);
}

// By eight bytes at a time, behind what all of them begin with: most comparisons are of numbers.
void Sort(Slot* begin, Slot* end) {
  constexpr std::ptrdiff_t kFew = 8;
  if (end - begin <= kFew) {
    std::sort(begin, end, SlotBefore);
    return;
  }
  const std::string_view first = begin->node->user();
  size_t common = first.size();
  for (const Slot* slot = begin + 1; slot != end && common > 0; ++slot) {
    common = std::min(common, CommonBytes(first.substr(0, common), slot->node->user()));
  }
  for (Slot* slot = begin; slot != end; ++slot) {
    slot->bytes = BytesFrom(slot->node->user(), common);
  }
  std::sort(begin, end, [](const Slot& a, const Slot& b) { return a.bytes < b.bytes; });
  for (Slot* from = begin; from != end;) {
    Slot* to = from + 1;
    while (to != end && to->bytes == from->bytes) ++to;
    if (to - from > 1) SortAlike(from, to, begin, end);
    from = to;
  }
}

// RETURNS: how many of the run are before `key`; `with_it`: or at it.
size_t PlaceOf(const Run& run, const Key& key, bool with_it) {
  const size_t at = run.Seek(key);
  if (!with_it || at == run.size()) return at;
  return Before(key, run[at]->key()) ? at : at + 1;
}

}  // namespace

Run::Run(std::vector<Slot> rows) : slots_(std::move(rows)) {
  // (Keys that grow come sorted.)
  if (!std::is_sorted(slots_.begin(), slots_.end(), SlotBefore)) {
    Sort(slots_.data(), slots_.data() + slots_.size());
  }
  const std::string_view first = slots_.front().node->user();
  begin_ = first.substr(0, CommonBytes(first, slots_.back().node->user()));
  for (Slot& slot : slots_) slot.bytes = BytesFrom(slot.node->user(), begin_.size());
}

size_t Run::Seek(const Key& key) const {
  const int order = key.user.substr(0, begin_.size()).compare(begin_);
  if (order != 0) return order < 0 ? 0 : size();
  const uint64_t bytes = BytesFrom(key.user, begin_.size());
  const auto found = std::partition_point(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.bytes != bytes ? slot.bytes < bytes : Before(slot.node->key(), key);
  });
  return static_cast<size_t>(found - slots_.begin());
}

Merge::Merge(Runs runs) : runs_(std::move(runs)), at_(runs_.size(), 0) {
  heap_.reserve(runs_.size());
}

void Merge::Next() {
  SKALD_DCHECK(Valid());
  if (!forward_) return SeekForward(Current()->key(), true);
  ++at_[heap_.front()];
  Replace();
}

void Merge::Prev() {
  SKALD_DCHECK(Valid());
  if (forward_) return SeekBack(Current()->key(), true);
  --at_[heap_.front()];
  Replace();
}

void Merge::Seek(const rocksdb::Slice& internal_key, const char* entry) {
  SeekForward(entry != nullptr ? KeyOf(entry) : KeyOf(internal_key), false);
}

void Merge::SeekForPrev(const rocksdb::Slice& internal_key, const char* entry) {
  SeekBack(entry != nullptr ? KeyOf(entry) : KeyOf(internal_key), false);
}

void Merge::SeekToFirst() {
  forward_ = true;
  std::fill(at_.begin(), at_.end(), 0);
  MakeHeap();
}

void Merge::SeekToLast() {
  forward_ = false;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = runs_[i]->size();
  MakeHeap();
}

void Merge::SeekForward(const Key& key, bool beyond) {
  forward_ = true;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = PlaceOf(*runs_[i], key, beyond);
  MakeHeap();
}

void Merge::SeekBack(const Key& key, bool beyond) {
  forward_ = false;
  for (size_t i = 0; i < runs_.size(); ++i) at_[i] = PlaceOf(*runs_[i], key, !beyond);
  MakeHeap();
}

bool Merge::Sooner(uint32_t a, uint32_t b) const {
  return forward_ ? Before(Of(a)->key(), Of(b)->key()) : Before(Of(b)->key(), Of(a)->key());
}

void Merge::MakeHeap() {
  heap_.clear();
  for (uint32_t i = 0; i < runs_.size(); ++i) {
    if (HasMore(i)) heap_.push_back(i);
  }
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
}

// The first run has gone on by one row.
void Merge::Replace() {
  if (!HasMore(heap_.front())) {
    heap_.front() = heap_.back();
    heap_.pop_back();
  }
  if (!heap_.empty()) SiftDown(0);
}

void Merge::SiftDown(size_t at) {
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
