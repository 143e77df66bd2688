#include "hashed_memtable.h"

#include <cstddef>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "memtable_row.h"
#include "memtable_rows.h"
#include "memtable_runs.h"

namespace skald::inline v1::rocks {
namespace {

using memtable::HashedRows;
using memtable::Key;
using memtable::KeyOf;
using memtable::Node;
using memtable::RunsCursor;
using memtable::Versions;

// RocksDB says what it seeks in one of two ways.
Key SoughtKey(const rocksdb::Slice& internal_key, const char* entry) {
  if (entry != nullptr) return KeyOf(entry);
  return KeyOf(std::string_view(internal_key.data(), internal_key.size()));
}

class Cursor final : public rocksdb::MemTableRep::Iterator {
 public:
  explicit Cursor(memtable::Runs runs) : cursor_(std::move(runs)) {}

  bool Valid() const override { return cursor_.Valid(); }
  const char* key() const override { return cursor_.row()->entry(); }
  void Next() override { cursor_.Next(); }
  void Prev() override { cursor_.Prev(); }
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override {
    cursor_.Seek(SoughtKey(internal_key, entry));
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* entry) override {
    cursor_.SeekForPrev(SoughtKey(internal_key, entry));
  }
  void SeekToFirst() override { cursor_.SeekToFirst(); }
  void SeekToLast() override { cursor_.SeekToLast(); }

 private:
  RunsCursor cursor_;
};

// Goes over the versions of one key, and nowhere else.
class KeyCursor final : public rocksdb::MemTableRep::Iterator {
 public:
  explicit KeyCursor(const Versions& versions) : versions_(versions) {}

  // RocksDB does not delete what it has for a Get, and does in other places; see
  // GetDynamicPrefixIterator.
  static void operator delete(void*) {}

  bool Valid() const override { return versions_.row() != nullptr; }
  const char* key() const override { return versions_.row()->entry(); }
  void Next() override { versions_.Next(); }
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override {
    versions_.Seek(SoughtKey(internal_key, entry));
  }
  void Prev() override {}
  void SeekForPrev(const rocksdb::Slice&, const char*) override {}
  void SeekToFirst() override {}
  void SeekToLast() override {}

 private:
  Versions versions_;
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
  explicit Memtable(rocksdb::Allocator* allocator) : MemTableRep(allocator) {}

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
  void Insert(rocksdb::KeyHandle handle) override { rows_.Insert(static_cast<Node*>(handle)); }
  void MarkReadOnly() override { rows_.Seal(); }

  bool Contains(const char* entry) const override {
    Versions versions = rows_.AllVersions();
    versions.Seek(KeyOf(entry));
    return versions.row() != nullptr && versions.row()->key().tag == KeyOf(entry).tag;
  }

  // Get goes by this: no more can be learnt of a LookupKey than what Seek is told. A thread has one
  // at a time, as none looks anything up while it looks something up.
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    static_assert(std::is_trivially_destructible_v<Versions>);
    alignas(KeyCursor) static thread_local std::byte memory[sizeof(KeyCursor)];
    return new (memory) KeyCursor(rows_.AllVersions());
  }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    memtable::Runs runs = rows_.TakeRuns();
    if (arena == nullptr) return new Cursor(std::move(runs));
    return new (ArenaMemory(arena).Take(sizeof(Cursor), alignof(Cursor))) Cursor(std::move(runs));
  }

  size_t ApproximateMemoryUsage() override { return rows_.own_bytes(); }

 private:
  HashedRows rows_;
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

std::shared_ptr<rocksdb::MemTableRepFactory> HashedMemtable() {
  return std::make_shared<Factory>();
}

}  // namespace skald::inline v1::rocks
