#include "skald/store/memory_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

// Ordered by bytes as unsigned numbers, which is what std::string_view's order is.
using Rows = absl::btree_map<std::string, Row, std::less<>>;

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

std::pair<Rows::iterator, Rows::iterator> Find(Rows& rows, const KeyRange& range) {
  if (!range.to.empty() && range.to <= range.from) return {rows.end(), rows.end()};
  return {rows.lower_bound(range.from), range.to.empty() ? rows.end() : rows.lower_bound(range.to)};
}

// Most keys of the log come in growing order: the end is the place to try first.
void PutLast(Rows& rows, std::string_view key, Row row) {
  if (rows.empty() || rows.rbegin()->first < key) {
    rows.emplace_hint(rows.end(), std::string(key), std::move(row));
    return;
  }
  rows.insert_or_assign(std::string(key), std::move(row));
}

void PutAnywhere(Rows& rows, std::string_view key, Version version, std::string_view value) {
  const auto found = rows.lower_bound(key);
  if (found != rows.end() && found->first == key) {
    found->second.version = version;
    found->second.value.assign(value);
    return;
  }
  rows.emplace_hint(found, std::string(key), Row{version, std::string(value)});
}

// What the units before the one that is judged leave in their rows.
using Written = absl::flat_hash_map<std::string_view, Version, StringHash, StringEq>;

bool Holds(const Unit& unit, const Written& written, const Rows& rows) {
  bool holds = true;
  unit.ForEach([&](const Unit::Op& op) {
    if (op.kind != Unit::OpKind::kRequire) return;
    Version version = Version::kAbsent;
    if (const auto seen = written.find(op.key); seen != written.end()) {
      version = seen->second;
    } else if (const auto row = rows.find(op.key); row != rows.end()) {
      version = row->second.version;
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
  static void Apply(uint16_t writer, const Batch& batch, Rows& rows, Rows& log);
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
  Apply(writer.number, batch, rows_, log_);
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

void MemoryStore::Impl::Apply(uint16_t writer, const Batch& batch, Rows& rows, Rows& log) {
  for (size_t i = 0; i < batch.units.size(); ++i) {
    const Version version = VersionOf(writer, batch.ticket, i);
    batch.units[i].ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kDelete) {
        (op.space == Space::kRows ? rows : log).erase(op.key);
      } else if (op.kind == Unit::OpKind::kPut && op.space == Space::kLog) {
        PutLast(log, op.key, {Version::kAbsent, std::string(op.value)});
      } else if (op.kind == Unit::OpKind::kPut) {
        PutAnywhere(rows, op.key, version, op.value);
      }
    });
  }
}

std::optional<Row> MemoryStore::Impl::Get(Space space, std::string_view key) {
  MutexLock lock(mutex_);
  Rows& rows = In(space);
  const auto found = rows.find(key);
  if (found == rows.end()) return std::nullopt;
  return found->second;
}

std::unique_ptr<Cursor> MemoryStore::Impl::Scan(Space space, const KeyRange& range) {
  MutexLock lock(mutex_);
  const auto [first, last] = Find(In(space), range);
  return std::make_unique<CopiedCursor>(std::vector<std::pair<std::string, Row>>(first, last));
}

absl::Status MemoryStore::Impl::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  MutexLock lock(mutex_);
  if (absl::StatusOr<Writer*> writer = Check(fence); !writer.ok()) return writer.status();
  Rows& rows = In(space);
  const auto [first, last] = Find(rows, range);
  rows.erase(first, last);
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
