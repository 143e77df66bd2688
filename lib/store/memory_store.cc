#include "skald/store/memory_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

// The first eight bytes as a number: ordered as the keys are, which it tells apart nearly always,
// without a look at memory elsewhere.
uint64_t PrefixOf(std::string_view key) {
  constexpr size_t kBytes = sizeof(uint64_t);
  uint64_t prefix = 0;
  for (size_t i = 0; i < kBytes; ++i) {
    prefix = (prefix << 8) | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0U);
  }
  return prefix;
}

struct Entry {
  Entry(std::string_view of, std::string_view value)
      : key(of), hash(StringHash{}(of)), row{Version::kAbsent, std::string(value)} {}

  std::string key;
  size_t hash;
  Row row;
  bool ordered = false;
  bool erased = false;  // waits in Rows::fresh_ to be freed
};

struct Place {
  explicit Place(std::unique_ptr<Entry> of) : prefix(PrefixOf(of->key)), entry(std::move(of)) {}
  std::string_view key() const { return entry->key; }

  uint64_t prefix;
  std::unique_ptr<Entry> entry;
};

struct Probe {
  explicit Probe(std::string_view of) : prefix(PrefixOf(of)), bytes(of) {}
  std::string_view key() const { return bytes; }

  uint64_t prefix;
  std::string_view bytes;
};

// Ordered by bytes as unsigned numbers, which is what std::string_view's order is.
struct ByKey {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.key() < b.key();
  }
};

// An entry by the hash of its key, which is worked out once.
struct Hashed {
  size_t hash;
  Entry* entry;
};
struct HashedKey {
  size_t hash;
  std::string_view key;
};
struct HashOf {
  using is_transparent = void;
  template <typename T>
  size_t operator()(const T& one) const {
    return one.hash;
  }
};
struct SameKey {
  using is_transparent = void;
  static std::string_view Key(const Hashed& one) { return one.entry->key; }
  static std::string_view Key(const HashedKey& one) { return one.key; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return a.hash == b.hash && Key(a) == Key(b);
  }
};

// Rows by key; and in order, which is worked out for new ones when a range is asked for: most rows
// are only read by key, and to keep millions in order is what most of a commit would take.
class Rows {
 public:
  using Iterator = absl::btree_set<Place, ByKey>::iterator;

  const Row* Find(std::string_view key) const {
    const auto found = index_.find(HashedKey{StringHash{}(key), key});
    return found == index_.end() ? nullptr : &found->entry->row;
  }

  // `entry` is taken, or is left with the row that it has replaced.
  void Put(std::unique_ptr<Entry>& entry) {
    const auto [found, added] = index_.insert(Hashed{entry->hash, entry.get()});
    if (added) {
      fresh_.push_back(std::move(entry));
    } else {
      std::swap(found->entry->row, entry->row);
    }
  }

  void Erase(std::string_view key) {
    const auto found = index_.find(HashedKey{StringHash{}(key), key});
    if (found == index_.end()) return;
    Entry* const entry = found->entry;
    index_.erase(found);
    if (entry->ordered) {
      ordered_.erase(ordered_.find(Probe(key)));
      return;
    }
    entry->erased = true;
    entry->row.value = std::string();
    if (++erased_ > fresh_.size() / 2) DropErased();
  }
  void Erase(Iterator first, Iterator last) {
    for (auto at = first; at != last; ++at) {
      index_.erase(HashedKey{at->entry->hash, at->key()});
    }
    ordered_.erase(first, last);
  }

  // Valid until the next Put or Erase. COST: as many new rows as there are, sorted.
  std::pair<Iterator, Iterator> In(const KeyRange& range) {
    Order();
    if (!range.to.empty() && range.to <= range.from) return {ordered_.end(), ordered_.end()};
    return {ordered_.lower_bound(Probe(range.from)),
            range.to.empty() ? ordered_.end() : ordered_.lower_bound(Probe(range.to))};
  }

 private:
  void Order() {
    DropErased();
    std::vector<Place> places;
    places.reserve(fresh_.size());
    for (std::unique_ptr<Entry>& entry : std::exchange(fresh_, {})) {
      entry->ordered = true;
      places.emplace_back(std::move(entry));
    }
    std::sort(places.begin(), places.end(), ByKey());
    // In growing order each one's place is often right behind the last one's.
    auto hint = ordered_.begin();
    for (Place& place : places) hint = std::next(ordered_.insert(hint, std::move(place)));
  }
  void DropErased() {
    if (erased_ == 0) return;
    std::erase_if(fresh_, [](const std::unique_ptr<Entry>& entry) { return entry->erased; });
    erased_ = 0;
  }

  absl::flat_hash_set<Hashed, HashOf, SameKey> index_;
  absl::btree_set<Place, ByKey> ordered_;
  std::vector<std::unique_ptr<Entry>> fresh_;  // not in order yet
  size_t erased_ = 0;                          // of those
};

constexpr size_t kWritersMax = 65'535;

struct Writer {
  uint16_t number = 0;
  uint64_t epoch = 0;
  uint64_t last_number = 0;
  uint64_t last_checksum = 0;
  uint64_t last_ticket = 0;
};

class CopiedCursor final : public Cursor {
 public:
  explicit CopiedCursor(std::vector<std::pair<std::string, Row>> rows) : rows_(std::move(rows)) {}
  bool Valid() const override { return at_ < rows_.size(); }
  void Next() override { ++at_; }
  std::string_view key() const override { return rows_[at_].first; }
  std::string_view value() const override { return rows_[at_].second.value; }
  Version version() const override { return rows_[at_].second.version; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::vector<std::pair<std::string, Row>> rows_;
  size_t at_ = 0;
};

// What the units before the one that is judged leave in their rows.
using Written = absl::flat_hash_map<std::string_view, Version, StringHash, StringEq>;

bool Holds(const Unit& unit, const Written& written, const Rows& rows) {
  bool holds = true;
  unit.ForEach([&](const Unit::Op& op) {
    if (op.kind != Unit::OpKind::kRequire) return;
    Version version = Version::kAbsent;
    if (const auto seen = written.find(op.key); seen != written.end()) {
      version = seen->second;
    } else if (const Row* row = rows.Find(op.key)) {
      version = row->version;
    }
    holds = holds && version == op.version;
  });
  return holds;
}

}  // namespace

class MemoryStore::Impl {
 public:
  explicit Impl(MemoryStoreOptions options)
      : id_(options.id == StoreId{} ? static_cast<StoreId>(Random::Real().Next() | 1) : options.id),
        limits_(options.limits) {}

  absl::StatusOr<Acquired> Acquire(std::string_view name) SKALD_EXCLUDES(mutex_);
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch)
      SKALD_EXCLUDES(mutex_);
  std::optional<Row> Get(Space space, std::string_view key) SKALD_EXCLUDES(mutex_);
  std::unique_ptr<Cursor> Scan(Space space, const KeyRange& range) SKALD_EXCLUDES(mutex_);
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range)
      SKALD_EXCLUDES(mutex_);

  const StoreId id_;
  const StoreLimits limits_;

 private:
  absl::StatusOr<Writer*> Check(const Fence& fence) SKALD_REQUIRES(mutex_);
  static std::vector<uint32_t> FailedUnits(uint16_t writer, const Batch& batch, const Rows& rows);
  // The rows that a batch puts, in its order.
  using Puts = std::vector<std::unique_ptr<Entry>>;
  static Puts PutsOf(const Batch& batch);
  static void Apply(uint16_t writer, const Batch& batch, Puts& puts, Rows& rows, Rows& log);
  Rows& In(Space space) SKALD_REQUIRES(mutex_) { return space == Space::kRows ? rows_ : log_; }

  Mutex mutex_;
  StringMap<uint16_t> numbers_ SKALD_GUARDED_BY(mutex_);
  std::vector<Writer> writers_ SKALD_GUARDED_BY(mutex_);  // by number - 1
  Rows rows_ SKALD_GUARDED_BY(mutex_);
  Rows log_ SKALD_GUARDED_BY(mutex_);
};

absl::StatusOr<Acquired> MemoryStore::Impl::Acquire(std::string_view name) {
  if (absl::Status status = CheckWriterName(name); !status.ok()) return status;
  MutexLock lock(mutex_);
  if (!numbers_.contains(name)) {
    if (writers_.size() >= kWritersMax) {
      return absl::ResourceExhaustedError(
          fmt::format("no number is left for writer '{}': a store has at most {} names of writers",
                      name, kWritersMax));
    }
    const auto number = static_cast<uint16_t>(writers_.size() + 1);
    writers_.push_back({.number = number});
    numbers_.emplace(name, number);
  }
  Writer& writer = writers_[numbers_.find(name)->second - 1U];
  ++writer.epoch;
  return Acquired{.fence = {.store = id_, .writer = writer.number, .epoch = writer.epoch},
                  .last_number = writer.last_number,
                  .last_ticket = writer.last_ticket};
}

absl::StatusOr<Writer*> MemoryStore::Impl::Check(const Fence& fence) {
  if (fence.store != id_ || fence.writer == 0 || fence.writer > writers_.size()) {
    return absl::InvalidArgumentError(
        fmt::format("the fence (store {:x}, writer {}) is not of this store ({:x})",
                    static_cast<uint64_t>(fence.store), fence.writer, static_cast<uint64_t>(id_)));
  }
  Writer& writer = writers_[fence.writer - 1U];
  if (fence.epoch != writer.epoch && !SKALD_SABOTAGED(kStaleFence)) {
    return absl::AbortedError(fmt::format(
        "the fence of writer {} is stale: its epoch is {}, another has acquired {} since",
        fence.writer, fence.epoch, writer.epoch));
  }
  return &writer;
}

absl::StatusOr<CommitResult> MemoryStore::Impl::Commit(const Fence& fence, const Batch& batch) {
  if (absl::Status status = CheckLimits(batch, limits_); !status.ok()) return status;
  const uint64_t checksum = batch.Checksum();
  // Copied before the lock is held, and what they replace is freed after it: readers wait for less.
  Puts puts = PutsOf(batch);
  MutexLock lock(mutex_);
  absl::StatusOr<Writer*> found = Check(fence);
  if (!found.ok()) return found.status();
  Writer& writer = **found;
  const bool repeated = batch.number == writer.last_number && batch.number != 0;
  if (repeated && checksum == writer.last_checksum) return CommitResult{};
  if (batch.number != writer.last_number + 1) {
    return absl::FailedPreconditionError(fmt::format(
        "batch {} of writer {} {}; the next is {}", batch.number, fence.writer,
        repeated ? "was committed with other contents" : "is out of turn", writer.last_number + 1));
  }
  CommitResult result{.failed_units = FailedUnits(writer.number, batch, rows_)};
  if (!result.failed_units.empty()) return result;
  Apply(writer.number, batch, puts, rows_, log_);
  writer.last_number = batch.number;
  writer.last_checksum = checksum;
  writer.last_ticket = std::max(writer.last_ticket, batch.last_ticket());
  return result;
}

std::vector<uint32_t> MemoryStore::Impl::FailedUnits(uint16_t writer, const Batch& batch,
                                                     const Rows& rows) {
  std::vector<uint32_t> failed;
  const auto requires_something = [](const Unit& unit) { return unit.require_count() > 0; };
  if (std::none_of(batch.units.begin(), batch.units.end(), requires_something)) return failed;
  Written written;
  for (size_t i = 0; i < batch.units.size(); ++i) {
    if (!Holds(batch.units[i], written, rows)) {
      failed.push_back(static_cast<uint32_t>(i));
      continue;
    }
    const Version version = VersionOf(writer, batch.ticket, i);
    batch.units[i].ForEach([&](const Unit::Op& op) {
      if (op.space != Space::kRows || op.kind == Unit::OpKind::kRequire) return;
      written[op.key] = op.kind == Unit::OpKind::kPut ? version : Version::kAbsent;
    });
  }
  return failed;
}

MemoryStore::Impl::Puts MemoryStore::Impl::PutsOf(const Batch& batch) {
  Puts puts;
  for (const Unit& unit : batch.units) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kPut) puts.push_back(std::make_unique<Entry>(op.key, op.value));
    });
  }
  return puts;
}

void MemoryStore::Impl::Apply(uint16_t writer, const Batch& batch, Puts& puts, Rows& rows,
                              Rows& log) {
  auto put = puts.begin();
  for (size_t i = 0; i < batch.units.size(); ++i) {
    const Version version = VersionOf(writer, batch.ticket, i);
    batch.units[i].ForEach([&](const Unit::Op& op) {
      Rows& space = op.space == Space::kRows ? rows : log;
      if (op.kind == Unit::OpKind::kDelete) {
        space.Erase(op.key);
      } else if (op.kind == Unit::OpKind::kPut) {
        if (op.space == Space::kRows) (*put)->row.version = version;
        space.Put(*put++);
      }
    });
  }
}

std::optional<Row> MemoryStore::Impl::Get(Space space, std::string_view key) {
  MutexLock lock(mutex_);
  const Row* row = In(space).Find(key);
  if (row == nullptr) return std::nullopt;
  return *row;
}

std::unique_ptr<Cursor> MemoryStore::Impl::Scan(Space space, const KeyRange& range) {
  MutexLock lock(mutex_);
  const auto [first, last] = In(space).In(range);
  std::vector<std::pair<std::string, Row>> copies;
  for (auto at = first; at != last; ++at) copies.emplace_back(at->key(), at->entry->row);
  return std::make_unique<CopiedCursor>(std::move(copies));
}

absl::Status MemoryStore::Impl::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  MutexLock lock(mutex_);
  if (absl::StatusOr<Writer*> writer = Check(fence); !writer.ok()) return writer.status();
  Rows& rows = In(space);
  const auto [first, last] = rows.In(range);
  rows.Erase(first, last);
  return absl::OkStatus();
}

MemoryStore::MemoryStore(MemoryStoreOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
MemoryStore::~MemoryStore() = default;

absl::StatusOr<Acquired> MemoryStore::Acquire(std::string_view writer) {
  return impl_->Acquire(writer);
}
absl::StatusOr<CommitResult> MemoryStore::Commit(const Fence& fence, const Batch& batch) {
  return impl_->Commit(fence, batch);
}
absl::StatusOr<std::optional<Row>> MemoryStore::Get(Space space, std::string_view key) {
  return impl_->Get(space, key);
}
absl::StatusOr<std::unique_ptr<Cursor>> MemoryStore::Scan(Space space, const KeyRange& range) {
  return impl_->Scan(space, range);
}
absl::Status MemoryStore::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  return impl_->DropRange(fence, space, range);
}
StoreLimits MemoryStore::limits() const {
  return impl_->limits_;
}
StoreId MemoryStore::id() const {
  return impl_->id_;
}

}  // namespace skald::inline v1
