#include "memtable_rows.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "skald/base/check.h"
#include "skald/base/strings.h"

namespace skald::inline v1::rocks::memtable {
namespace {

constexpr size_t kFirstBuckets = 1024;
// A run of so many is not merged any further. A merge of two halves of it is some tenth of a
// millisecond in a commit; the fewer runs there are, the faster is a scan.
constexpr size_t kRunRowsMax = 8192;

}  // namespace

// (Zeroed memory is what so many pointers are: large ones, of which few pages are touched at first,
// mostly come zeroed from the system.)
Buckets::Buckets(size_t count, std::unique_ptr<Buckets> smaller)
    : smaller_(std::move(smaller)),
      mask_(count - 1),
      heads_(static_cast<std::atomic<Node*>*>(std::calloc(count, sizeof(std::atomic<Node*>)))) {
  if (heads_ == nullptr) throw std::bad_alloc();
}

Buckets::~Buckets() {
  std::free(heads_);
}

void Buckets::Insert(Node* node, uint64_t hash) {
  const std::string_view user = node->user();
  std::atomic<Node*>* const head = &heads_[hash & mask_];
  std::atomic<Node*>* link = head;
  Node* same = link->load(std::memory_order_relaxed);
  while (same != nullptr && same->user() != user) {
    link = &same->next;
    same = link->load(std::memory_order_relaxed);
  }
  node->older = same;
  if (same == nullptr) {
    node->next.store(head->load(std::memory_order_relaxed), std::memory_order_relaxed);
    link = head;
  } else {
    // In its place. Who has come to the older one meanwhile goes on from there to what was behind
    // it then, and looks for nothing that was written since.
    SKALD_DCHECK(same->key().tag < node->key().tag);
    node->next.store(same->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  link->store(node, std::memory_order_release);
}

const Node* Buckets::Find(std::string_view user, uint64_t hash) const {
  const Node* node = heads_[hash & mask_].load(std::memory_order_acquire);
  while (node != nullptr && node->user() != user) {
    node = node->next.load(std::memory_order_acquire);
  }
  return node;
}

void Versions::Seek(const Key& key) {
  sought_ = key;
  hash_ = StringHash{}(key.user);
  row_ = buckets_->Find(key.user, hash_);
  Settle();
}

// To a version that is not newer than the one sought: in earlier buckets, where there is none.
void Versions::Settle() {
  while (true) {
    while (row_ != nullptr && row_->key().tag > sought_.tag) row_ = row_->older;
    if (row_ != nullptr || buckets_->smaller() == nullptr) return;
    buckets_ = buckets_->smaller();
    row_ = buckets_->Find(sought_.user, hash_);
  }
}

HashedRows::HashedRows() : tail_(std::make_unique<Tail>()), runs_(std::make_shared<const Runs>()) {
  AddBytes(sizeof(Tail));
  GrowBuckets(kFirstBuckets);
}

void HashedRows::Insert(Node* node) noexcept {
  if (rows_ == buckets_->count()) GrowBuckets(2 * rows_);
  ++rows_;
  buckets_->Insert(node, StringHash{}(node->user()));
  const size_t count = tail_->count.load(std::memory_order_relaxed);
  tail_->rows[count] = node;
  tail_->count.store(count + 1, std::memory_order_release);
  if (count + 1 < Tail::kRows) return;
  SortTail();
  AddBytes(Tail::kRows * sizeof(Slot));
}

// (RocksDB has noted by then what the memtable takes, and insists that it stays so.)
void HashedRows::Seal() noexcept {
  if (tail_->count.load(std::memory_order_relaxed) > 0) SortTail();
}

void HashedRows::GrowBuckets(size_t count) {
  buckets_ = std::make_unique<Buckets>(count, std::move(buckets_));
  newest_.store(buckets_.get(), std::memory_order_release);
  rows_ = 0;
  AddBytes(count * sizeof(Node*));
}

std::vector<const Node*> HashedRows::RowsOf(const Tail& tail) {
  return {tail.rows, tail.rows + tail.count.load(std::memory_order_acquire)};
}

// Runs grow as the digits of a number with one more added: two of a length become one, until they
// have as many rows as a run may have.
void HashedRows::SortTail() {
  const std::vector<const Node*> rows = RowsOf(*tail_);
  auto run = std::make_shared<const Run>(rows);
  auto runs = std::make_shared<Runs>(*runs_);
  while (!runs->empty() && runs->back()->size() == run->size() && run->size() < kRunRowsMax) {
    run = std::make_shared<const Run>(*runs->back(), *run);
    runs->pop_back();
  }
  runs->push_back(std::move(run));
  auto tail = std::make_unique<Tail>();
  std::shared_ptr<const Runs> now = std::move(runs);
  MutexLock lock(mutex_);
  std::swap(tail_, tail);
  std::swap(runs_, now);
}

Runs HashedRows::TakeRuns() {
  std::shared_ptr<const Runs> sorted;
  std::vector<const Node*> rest;
  rest.reserve(Tail::kRows);
  {
    MutexLock lock(mutex_);
    sorted = runs_;
    rest.assign(tail_->rows, tail_->rows + tail_->count.load(std::memory_order_acquire));
  }
  Runs runs = *sorted;
  if (!rest.empty()) runs.push_back(std::make_shared<const Run>(rest));
  return runs;
}

}  // namespace skald::inline v1::rocks::memtable
