#include "skald/testing/fault_store.h"

#include <fmt/core.h>

#include <string>
#include <vector>

#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

absl::Status Injected(std::string_view what) {
  return absl::UnavailableError(fmt::format("injected by FaultStore: {}", what));
}

absl::Status ErrorOf(StoreFault fault) {
  if (fault == StoreFault::kFull) {
    return absl::ResourceExhaustedError("injected by FaultStore: no space left on the device");
  }
  return Injected(fault == StoreFault::kBefore ? "nothing happened" : "the answer is lost");
}

}  // namespace

void FaultStore::FailNext(uint64_t count, When when, absl::Status error, uint64_t skip) {
  MutexLock lock(mutex_);
  first_ = commits_ + skip;
  end_ = first_ + count;
  when_ = when;
  error_ = std::move(error);
}

void FaultStore::SetFaults(Faults faults) {
  auto shared = faults ? std::make_shared<Faults>(std::move(faults)) : nullptr;
  MutexLock lock(mutex_);
  faults_ = std::move(shared);
}

void FaultStore::DeferDrops(bool deferred) {
  MutexLock lock(mutex_);
  defer_drops_ = deferred;
}

uint64_t FaultStore::commits() const {
  MutexLock lock(mutex_);
  return commits_;
}

bool FaultStore::powerless() const {
  MutexLock lock(mutex_);
  return powerless_;
}

StoreFault FaultStore::Draw(StoreCall call) {
  std::shared_ptr<Faults> faults;
  {
    MutexLock lock(mutex_);
    if (powerless_) return StoreFault::kBefore;
    faults = faults_;
  }
  return faults == nullptr ? StoreFault::kNone : (*faults)(call);
}

StoreFault FaultStore::ScriptedFault(absl::Status& error) {
  MutexLock lock(mutex_);
  const uint64_t number = commits_++;
  if (number < first_ || number >= end_) return StoreFault::kNone;
  error = error_;
  return when_ == When::kBefore ? StoreFault::kBefore : StoreFault::kAfter;
}

void FaultStore::ApplyDrops() {
  std::deque<Drop> drops;
  {
    MutexLock lock(mutex_);
    drops.swap(drops_);
  }
  for (const Drop& drop : drops) {
    IgnoreError(ForwardingStore::DropRange(drop.fence, drop.space, drop.range),
                "a newer owner drops it again");
  }
}

absl::StatusOr<Acquired> FaultStore::Acquire(std::string_view writer) {
  const StoreFault fault = Draw(StoreCall::kAcquire);
  if (fault == StoreFault::kBefore || fault == StoreFault::kFull) return ErrorOf(fault);
  absl::StatusOr<Acquired> acquired = ForwardingStore::Acquire(writer);
  if (fault != StoreFault::kNone) return ErrorOf(fault);
  return acquired;
}

absl::StatusOr<CommitResult> FaultStore::Commit(const Fence& fence, const Batch& batch) {
  absl::Status error;
  StoreFault fault = ScriptedFault(error);
  if (fault == StoreFault::kNone) {
    fault = Draw(StoreCall::kCommit);
    error = ErrorOf(fault);
  }
  if (fault == StoreFault::kLater) {
    MutexLock lock(mutex_);
    late_.push_back({fence, batch});
    return error;
  }
  if (fault == StoreFault::kBefore || fault == StoreFault::kFull) return error;
  if (SKALD_SABOTAGED(kLostSync)) {
    while (ApplyLate()) {
    }
    if (fault == StoreFault::kNone && batch.number % 3 == 0) {
      MutexLock lock(mutex_);
      late_.push_back({fence, batch});
      return CommitResult{};
    }
  }
  ApplyDrops();
  absl::StatusOr<CommitResult> result = ForwardingStore::Commit(fence, batch);
  if (fault == StoreFault::kAfter) return error;
  return result;
}

absl::StatusOr<std::optional<Row>> FaultStore::Get(Space space, std::string_view key) {
  const StoreFault fault = Draw(StoreCall::kGet);
  if (fault != StoreFault::kNone) return ErrorOf(fault);
  return ForwardingStore::Get(space, key);
}

absl::StatusOr<std::unique_ptr<Cursor>> FaultStore::Scan(Space space, const KeyRange& range) {
  const StoreFault fault = Draw(StoreCall::kScan);
  if (fault != StoreFault::kNone) return ErrorOf(fault);
  ApplyDrops();
  return ForwardingStore::Scan(space, range);
}

absl::Status FaultStore::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  const StoreFault fault = Draw(StoreCall::kDropRange);
  if (fault == StoreFault::kBefore || fault == StoreFault::kFull) return ErrorOf(fault);
  bool deferred = false;
  {
    MutexLock lock(mutex_);
    deferred = defer_drops_;
    if (deferred) drops_.push_back({fence, space, range});
  }
  absl::Status dropped;
  if (!deferred) dropped = ForwardingStore::DropRange(fence, space, range);
  return fault == StoreFault::kNone ? dropped : ErrorOf(fault);
}

bool FaultStore::ApplyLate() {
  LateCommit late;
  {
    MutexLock lock(mutex_);
    if (late_.empty()) return false;
    late = std::move(late_.front());
    late_.pop_front();
  }
  IgnoreError(ForwardingStore::Commit(late.fence, late.batch), "nobody waits for it any more");
  return true;
}

void FaultStore::Tear(const Drop& drop, Random& random) {
  std::vector<std::string> keys;
  absl::StatusOr<std::unique_ptr<Cursor>> cursor = ForwardingStore::Scan(drop.space, drop.range);
  if (!cursor.ok()) return;
  for (; (*cursor)->Valid(); (*cursor)->Next()) keys.emplace_back((*cursor)->key());
  if (keys.empty()) return;
  // What is left of a dropped range is a suffix of it.
  const KeyRange gone{drop.range.from, keys[random.Below(keys.size())]};
  IgnoreError(ForwardingStore::DropRange(drop.fence, drop.space, gone), "a newer owner does it");
}

void FaultStore::LosePower(UnsyncedFate fate, Random& random) {
  std::deque<Drop> drops;
  {
    MutexLock lock(mutex_);
    if (powerless_) return;
    powerless_ = true;
    drops.swap(drops_);
  }
  for (const Drop& drop : drops) {
    if (fate == UnsyncedFate::kTorn) Tear(drop, random);
    if (fate == UnsyncedFate::kKept) {
      IgnoreError(ForwardingStore::DropRange(drop.fence, drop.space, drop.range), "as above");
    }
  }
  while (fate == UnsyncedFate::kKept && ApplyLate()) {
  }
  MutexLock lock(mutex_);
  late_.clear();
}

}  // namespace skald::inline v1
