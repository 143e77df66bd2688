#include "row_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "skald/base/check.h"
#include "skald/base/strings.h"

namespace skald::inline v1::rocks {
namespace {

// Threads that read seldom meet.
constexpr size_t kShards = 8;
constexpr int kShardShift = 29;
// A slot for so many bytes of rows, and half of the slots stay empty, so that few are looked at.
constexpr size_t kBytesPerSlot = 64;
// One row takes no more than this part of a shard.
constexpr size_t kRowsMin = 16;

// Rows are kept while one of this many is found again; of others so many are not even tried.
constexpr uint64_t kRowsJudged = 16'384;
constexpr uint64_t kRowsAFind = 8;
constexpr uint64_t kRowsPassedOver = 16 * kRowsJudged;

uint32_t TagOf(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

// Its key and its value lie behind it.
struct RowCache::Entry {
  static constexpr uint32_t kGone = UINT32_MAX;

  uint64_t ordinal = 0;  // of the batch that put it
  Version version = Version::kAbsent;
  uint32_t key_bytes;
  uint32_t room;                 // for a value
  uint32_t value_bytes = kGone;  // kGone: forgotten

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::string_view key() { return {bytes(), key_bytes}; }
  std::string_view value() { return {bytes() + key_bytes, value_bytes}; }

  void Set(Version its_version, std::string_view its_value, uint64_t its_ordinal) {
    SKALD_DCHECK(its_value.size() <= room, "bytes={} room={}", its_value.size(), room);
    version = its_version;
    ordinal = its_ordinal;
    value_bytes = static_cast<uint32_t>(its_value.size());
    std::memcpy(bytes() + key_bytes, its_value.data(), its_value.size());
  }
};

RowCache::Generation::Generation(size_t bytes)
    : slots_count_(std::bit_floor(std::max(bytes / kBytesPerSlot, size_t{2}))),
      bytes_max_(bytes - std::min(bytes, slots_count_ * sizeof(uint64_t))) {}

RowCache::Entry* RowCache::Generation::At(uint64_t slot) {
  return reinterpret_cast<Entry*>(&bytes_[alignof(Entry) * (static_cast<uint32_t>(slot) - 1)]);
}

uint64_t& RowCache::Generation::SlotOf(const Key& key) {
  for (size_t i = key.hash;; ++i) {
    uint64_t& slot = slots_[i & (slots_count_ - 1)];
    if (slot == 0) return slot;
    if (TagOf(slot) == TagOf(key.hash) && At(slot)->key() == key.bytes) return slot;
  }
}

RowCache::Entry* RowCache::Generation::Find(const Key& key) {
  if (rows_ == 0) return nullptr;
  const uint64_t slot = SlotOf(key);
  return slot == 0 ? nullptr : At(slot);
}

RowCache::Entry* RowCache::Generation::Add(const Key& key, size_t value_bytes) {
  const size_t size = sizeof(Entry) + key.bytes.size() + value_bytes;
  const size_t taken = (size + alignof(Entry) - 1) / alignof(Entry) * alignof(Entry);
  if (used_ + taken > bytes_max_ || 2 * (rows_ + 1) > slots_count_) return nullptr;
  if (bytes_ == nullptr) {
    slots_ = std::make_unique<uint64_t[]>(slots_count_);
    bytes_.reset(new char[bytes_max_]);
  }
  uint64_t& slot = SlotOf(key);
  if (slot == 0) ++rows_;
  slot = uint64_t{TagOf(key.hash)} << 32 | (used_ / alignof(Entry) + 1);
  auto* const entry = new (&bytes_[used_])
      Entry{.key_bytes = static_cast<uint32_t>(key.bytes.size()),
            .room = static_cast<uint32_t>(taken - sizeof(Entry) - key.bytes.size())};
  std::memcpy(entry->bytes(), key.bytes.data(), key.bytes.size());
  used_ += taken;
  return entry;
}

void RowCache::Generation::ForgetRange(std::string_view from, std::string_view to) {
  for (size_t at = 0; at < used_;) {
    auto* const entry = reinterpret_cast<Entry*>(&bytes_[at]);
    at += sizeof(Entry) + entry->key_bytes + entry->room;
    if (entry->key() >= from && (to.empty() || entry->key() < to)) {
      entry->value_bytes = Entry::kGone;
    }
  }
}

void RowCache::Generation::Clear() {
  if (rows_ > 0) std::fill_n(slots_.get(), slots_count_, uint64_t{0});
  used_ = rows_ = 0;
}

RowCache::RowCache(size_t bytes)
    : row_bytes_max_(bytes / kShards / kRowsMin), rows_left_(kRowsJudged) {
  for (size_t i = 0; i < kShards; ++i) shards_.push_back(std::make_unique<Shard>(bytes / kShards));
}
RowCache::~RowCache() = default;

RowCache::Shard& RowCache::ShardOf(const Key& key) {
  return *shards_[(key.hash >> kShardShift) % kShards];
}

void RowCache::Put(std::string_view bytes, Version version, std::string_view value,
                   uint64_t ordinal) {
  if (!Pays()) return;
  const Key key{bytes, StringHash{}(bytes)};
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  Entry* entry = shard.young.Find(key);
  if (entry == nullptr || value.size() > entry->room) {
    if (sizeof(Entry) + key.bytes.size() + value.size() > row_bytes_max_)
      return ForgetIn(shard, key);
    entry = shard.young.Add(key, value.size());
    if (entry == nullptr) {
      std::swap(shard.young, shard.old);
      shard.young.Clear();
      entry = shard.young.Add(key, value.size());
    }
    // A cache that is too small for the smallest of rows keeps none.
    if (entry == nullptr) return ForgetIn(shard, key);
  }
  entry->Set(version, value, ordinal);
}

bool RowCache::Pays() {
  if (rows_left_-- > 0) return keeps_;
  keeps_ = !keeps_ || found_.load(std::memory_order_relaxed) * kRowsAFind >= kRowsJudged;
  found_.store(0, std::memory_order_relaxed);
  rows_left_ = keeps_ ? kRowsJudged : kRowsPassedOver;
  // What is passed over from now on may stand there.
  if (!keeps_) ForgetAll();
  return keeps_;
}

void RowCache::ForgetAll() {
  for (const std::unique_ptr<Shard>& shard : shards_) {
    MutexLock lock(shard->mutex);
    shard->young.Clear();
    shard->old.Clear();
  }
}

void RowCache::Forget(std::string_view bytes) {
  if (!keeps_) return;
  const Key key{bytes, StringHash{}(bytes)};
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  ForgetIn(shard, key);
}

void RowCache::ForgetIn(Shard& shard, const Key& key) {
  for (Generation* const generation : {&shard.young, &shard.old}) {
    if (Entry* const entry = generation->Find(key)) entry->value_bytes = Entry::kGone;
  }
}

void RowCache::ForgetRange(std::string_view from, std::string_view to) {
  for (const std::unique_ptr<Shard>& shard : shards_) {
    MutexLock lock(shard->mutex);
    shard->young.ForgetRange(from, to);
    shard->old.ForgetRange(from, to);
  }
}

RowCache::Entry* RowCache::FindIn(Shard& shard, const Key& key) {
  const uint64_t published = published_.load(std::memory_order_acquire);
  const auto shown = [&](Entry* entry) {
    return entry->value_bytes != Entry::kGone && entry->ordinal <= published ? entry : nullptr;
  };
  if (Entry* const young = shard.young.Find(key)) return shown(young);
  Entry* const old = shard.old.Find(key);
  if (old == nullptr || shown(old) == nullptr) return nullptr;
  Entry* const young = shard.young.Add(key, old->value_bytes);
  if (young == nullptr) return old;
  young->Set(old->version, old->value(), old->ordinal);
  return young;
}

template <typename T, typename F>
std::optional<T> RowCache::FindAs(std::string_view bytes, F told) {
  const Key key{bytes, StringHash{}(bytes)};
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  Entry* const entry = FindIn(shard, key);
  if (entry == nullptr) return std::nullopt;
  found_.fetch_add(1, std::memory_order_relaxed);
  return told(*entry);
}

std::optional<Row> RowCache::Find(std::string_view key) {
  return FindAs<Row>(key,
                     [](Entry& entry) { return Row{entry.version, std::string(entry.value())}; });
}

std::optional<Version> RowCache::FindVersion(std::string_view key) {
  return FindAs<Version>(key, [](const Entry& entry) { return entry.version; });
}

}  // namespace skald::inline v1::rocks
