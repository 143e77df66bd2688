#include "hashed_memtable.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "memtable_row.h"
#include "memtable_runs.h"
#include "skald/base/check.h"
#include "skald/base/mutex.h"
#include "skald/base/strings.h"

namespace skald::inline v1::rocks {
namespace memtable {
namespace {

// Rows that are not sorted yet; a reader sorts its copy of them.
constexpr size_t kTailRows = 256;
// So many sorted tails become one run.
constexpr size_t kTailsARun = 32;
constexpr size_t kFirstBuckets = 1024;

// The buckets that a number of rows have been put into. When they are full another of twice the
// size takes the next ones and this one stays as it is: nothing moves under a reader.
class Buckets {
 public:
  explicit Buckets(size_t count)
      // Of large ones the system has zeroed pages, which cost something when they are first used.
      : mask_(count - 1),
        heads_(static_cast<std::atomic<Node*>*>(std::calloc(count, sizeof(std::atomic<Node*>)))) {
    if (heads_ == nullptr) throw std::bad_alloc();
  }
  ~Buckets() { std::free(heads_); }
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;

  size_t count() const { return mask_ + 1; }
  bool full() const { return rows_ > mask_; }

  void Insert(Node* node, uint64_t hash) {
    const std::string_view user = node->user();
    std::atomic<Node*>* const head = &heads_[hash & mask_];
    std::atomic<Node*>* link = head;
    Node* same = link->load(std::memory_order_relaxed);
    while (same != nullptr && same->user() != user) {
      link = &same->next;
      same = link->load(std::memory_order_relaxed);
    }
    ++rows_;
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

  // RETURNS: the newest version here; null: none.
  const Node* Find(std::string_view user, uint64_t hash) const {
    const Node* node = heads_[hash & mask_].load(std::memory_order_acquire);
    while (node != nullptr && node->user() != user) {
      node = node->next.load(std::memory_order_acquire);
    }
    return node;
  }

  std::unique_ptr<Buckets> smaller;  // those that were full before

 private:
  const size_t mask_;
  std::atomic<Node*>* const heads_;
  size_t rows_ = 0;
};

// The versions of one key, from the one that is asked for on to older ones.
class Versions final : public rocksdb::MemTableRep::Iterator {
 public:
  explicit Versions(const Buckets* newest) : newest_(newest) {}

  // RocksDB does not delete what it has for a Get, and does in other places; see
  // GetDynamicPrefixIterator.
  static void operator delete(void*) {}

  bool Valid() const override { return node_ != nullptr; }
  const char* key() const override { return node_->entry(); }
  void Next() override {
    node_ = node_->older;
    Settle();
  }
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override {
    sought_ = entry != nullptr ? KeyOf(entry) : KeyOf(internal_key);
    hash_ = StringHash{}(sought_.user);
    buckets_ = newest_;
    node_ = buckets_->Find(sought_.user, hash_);
    Settle();
  }
  void Prev() override { node_ = nullptr; }
  void SeekForPrev(const rocksdb::Slice&, const char*) override { node_ = nullptr; }
  void SeekToFirst() override { node_ = nullptr; }
  void SeekToLast() override { node_ = nullptr; }

 private:
  // To a version that is not newer than the one sought: in earlier buckets, where there is none.
  void Settle() {
    while (true) {
      while (node_ != nullptr && node_->key().tag > sought_.tag) node_ = node_->older;
      if (node_ != nullptr || buckets_->smaller == nullptr) return;
      buckets_ = buckets_->smaller.get();
      node_ = buckets_->Find(sought_.user, hash_);
    }
  }

  const Buckets* newest_;
  const Buckets* buckets_ = nullptr;
  const Node* node_ = nullptr;
  Key sought_{};
  uint64_t hash_ = 0;
};

// Memory of an arena whose class RocksDB keeps to itself: all that may be had of one is what this
// base class does with it.
class ArenaMemory final : public rocksdb::MemTableRep {
 public:
  explicit ArenaMemory(rocksdb::Arena* arena)
      // An Arena is an Allocator, and nothing before it.
      : MemTableRep(reinterpret_cast<rocksdb::Allocator*>(arena)) {}
  void* Take(size_t bytes, size_t alignment) {
    size_t space = bytes + alignment - 1;
    char* memory = nullptr;
    MemTableRep::Allocate(space, &memory);
    void* aligned = memory;
    std::align(alignment, bytes, aligned, space);
    return aligned;
  }

 private:
  void Insert(rocksdb::KeyHandle) override {}
  bool Contains(const char*) const override { return false; }
  size_t ApproximateMemoryUsage() override { return 0; }
  Iterator* GetIterator(rocksdb::Arena*) override { return nullptr; }
};

class Memtable final : public rocksdb::MemTableRep {
 public:
  explicit Memtable(rocksdb::Allocator* allocator)
      : MemTableRep(allocator), tail_(std::make_unique<Tail>()) {
    GrowBuckets(kFirstBuckets);
  }

  rocksdb::KeyHandle Allocate(size_t bytes, char** buffer) override {
    size_t space = sizeof(Node) + alignof(Node) - 1 + bytes;
    char* memory = nullptr;
    MemTableRep::Allocate(space, &memory);
    void* aligned = memory;
    std::align(alignof(Node), sizeof(Node) + bytes, aligned, space);
    Node* const node = new (aligned) Node{};
    *buffer = node->entry();
    return node;
  }

  void Insert(rocksdb::KeyHandle handle) override {
    auto* const node = static_cast<Node*>(handle);
    if (buckets_->full()) GrowBuckets(2 * buckets_->count());
    buckets_->Insert(node, StringHash{}(node->user()));
    AddToTail(node);
  }

  bool Contains(const char* entry) const override {
    Versions versions(newest_.load(std::memory_order_acquire));
    versions.Seek({}, entry);
    return versions.Valid() && KeyOf(versions.key()).tag == KeyOf(entry).tag;
  }

  // Get goes by this: no more can be learnt of a LookupKey than what Seek is told.
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    alignas(Versions) static thread_local char memory[sizeof(Versions)];
    static_assert(std::is_trivially_copyable_v<Key>);
    return new (memory) Versions(newest_.load(std::memory_order_acquire));
  }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    Runs runs = TakeRuns();
    if (arena == nullptr) return new Merge(std::move(runs));
    return new (ArenaMemory(arena).Take(sizeof(Merge), alignof(Merge))) Merge(std::move(runs));
  }

  size_t ApproximateMemoryUsage() override { return own_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Tail {
    std::atomic<size_t> count = 0;
    const Node* rows[kTailRows];
  };

  void GrowBuckets(size_t count) {
    auto buckets = std::make_unique<Buckets>(count);
    buckets->smaller = std::move(buckets_);
    buckets_ = std::move(buckets);
    newest_.store(buckets_.get(), std::memory_order_release);
    AddBytes(count * sizeof(Node*));
  }

  void AddToTail(const Node* node) {
    const size_t count = tail_->count.load(std::memory_order_relaxed);
    tail_->rows[count] = node;
    tail_->count.store(count + 1, std::memory_order_release);
    if (count + 1 == kTailRows) SortTail();
  }

  static std::vector<Slot> SlotsOf(const Tail& tail) {
    std::vector<Slot> slots(tail.count.load(std::memory_order_acquire));
    for (size_t i = 0; i < slots.size(); ++i) slots[i].node = tail.rows[i];
    return slots;
  }

  void SortTail() {
    auto run = std::make_shared<const Run>(SlotsOf(*tail_));
    auto tail = std::make_unique<Tail>();
    AddBytes(kTailRows * sizeof(Slot));
    Runs tails;
    {
      MutexLock lock(mutex_);
      tails_.push_back(std::move(run));
      std::swap(tail_, tail);
      if (tails_.size() == kTailsARun) tails = tails_;
    }
    if (tails.empty()) return;
    std::vector<Slot> slots;
    slots.reserve(kTailsARun * kTailRows);
    for (const auto& sorted : tails) {
      slots.insert(slots.end(), sorted->slots().begin(), sorted->slots().end());
    }
    auto merged = std::make_shared<const Run>(std::move(slots));
    MutexLock lock(mutex_);
    tails_.clear();
    runs_.push_back(std::move(merged));
  }

  Runs TakeRuns() {
    Runs runs;
    std::vector<Slot> tail;
    {
      MutexLock lock(mutex_);
      runs = runs_;
      runs.insert(runs.end(), tails_.begin(), tails_.end());
      tail = SlotsOf(*tail_);
    }
    if (!tail.empty()) runs.push_back(std::make_shared<const Run>(std::move(tail)));
    return runs;
  }

  void AddBytes(size_t bytes) { own_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  // The writer's, but for `newest_`.
  std::unique_ptr<Buckets> buckets_;
  std::atomic<const Buckets*> newest_{nullptr};
  std::atomic<size_t> own_bytes_{0};

  Mutex mutex_;
  std::unique_ptr<Tail> tail_;  // the writer changes it under the mutex, and adds to it without
  Runs tails_ SKALD_GUARDED_BY(mutex_);
  Runs runs_ SKALD_GUARDED_BY(mutex_);
};

class Factory final : public rocksdb::MemTableRepFactory {
 public:
  using MemTableRepFactory::CreateMemTableRep;
  const char* Name() const override { return "skald.HashedMemtable"; }
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator&,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform*,
                                          rocksdb::Logger*) override {
    return new Memtable(allocator);
  }
};

}  // namespace
}  // namespace memtable

std::shared_ptr<rocksdb::MemTableRepFactory> HashedMemtable() {
  return std::make_shared<memtable::Factory>();
}

}  // namespace skald::inline v1::rocks
