// Stores that are wrong on purpose: a contract that never fails proves nothing.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/base/mutex.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"
#include "skald/testing/store_contract.h"

namespace skald {
namespace {

using Wrap = std::function<std::unique_ptr<Store>(Store& sound)>;

// One call at a time, so that the broken stores need no locks of their own.
class OneAtATime final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<Acquired> Acquire(std::string_view writer) override {
    MutexLock lock(mutex_);
    return target().Acquire(writer);
  }
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    MutexLock lock(mutex_);
    return target().Commit(fence, batch);
  }
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override {
    MutexLock lock(mutex_);
    return target().Get(space, key);
  }
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override {
    MutexLock lock(mutex_);
    return target().Scan(space, range);
  }

 private:
  Mutex mutex_;
};

// A memory store behind a wrapper that breaks it.
class BrokenHost final : public StoreContractHost {
 public:
  explicit BrokenHost(Wrap wrap) : wrap_(std::move(wrap)) {}
  absl::Status Fresh() override {
    memory_ = std::make_unique<MemoryStore>();
    return Reopen(StoreEnding::kClean);
  }
  Store& store() override { return *serial_; }
  absl::Status Reopen(StoreEnding) override {
    serial_.reset();
    broken_ = wrap_(*memory_);
    serial_ = std::make_unique<OneAtATime>(*broken_);
    return absl::OkStatus();
  }

 private:
  Wrap wrap_;
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<Store> broken_;
  std::unique_ptr<Store> serial_;
};

template <typename Broken>
Wrap With() {
  return [](Store& sound) { return std::make_unique<Broken>(sound); };
}

// RETURNS: how many cases found the sabotage.
int CasesThatFail(Wrap wrap) {
  BrokenHost host(std::move(wrap));
  int failing = 0;
  for (const StoreContractCase& which : StoreContractCases()) {
    if (!RunStoreContractCase(which, host, 1).ok()) ++failing;
  }
  return failing;
}

struct Sound : ForwardingStore {
  using ForwardingStore::ForwardingStore;
};

Batch WithoutRequirements(const Batch& batch) {
  Batch copy{.number = batch.number, .ticket = batch.ticket, .units = {}};
  for (const Unit& unit : batch.units) {
    Unit& bare = copy.units.emplace_back();
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kPut) bare.Put(op.space, op.key, op.value);
      if (op.kind == Unit::OpKind::kDelete) bare.Delete(op.space, op.key);
    });
  }
  return copy;
}

struct IgnoresRequirements : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    return target().Commit(fence, WithoutRequirements(batch));
  }
};

struct AppliesWhatDidNotFail : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    auto result = target().Commit(fence, batch);
    if (!result.ok() || result->failed_units.empty()) return result;
    Batch rest = batch;
    for (const uint32_t index : result->failed_units) rest.units[index].Clear();
    const auto applied = target().Commit(fence, rest);
    return applied.ok() ? result : applied;
  }
};

struct AcceptsStaleFences : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<Acquired> Acquire(std::string_view writer) override {
    auto acquired = target().Acquire(writer);
    if (acquired.ok()) newest_[acquired->fence.writer] = acquired->fence;
    return acquired;
  }
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    const auto newest = newest_.find(fence.writer);
    return target().Commit(newest == newest_.end() ? fence : newest->second, batch);
  }
  std::map<uint16_t, Fence> newest_;
};

struct RefusesRepetition : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    if (std::exchange(last_[fence.writer], batch.number) == batch.number) {
      return absl::FailedPreconditionError("seen");
    }
    return target().Commit(fence, batch);
  }
  std::map<uint16_t, uint64_t> last_;
};

// Acknowledges each batch when it has it and writes it at the next call.
struct AcknowledgesEarly : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override {
    Flush();
    pending_ = {fence, batch};
    return CommitResult{};
  }
  absl::StatusOr<Acquired> Acquire(std::string_view writer) override {
    Flush();
    return target().Acquire(writer);
  }
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override {
    Flush();
    return target().Get(space, key);
  }
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override {
    Flush();
    return target().Scan(space, range);
  }
  void Flush() {
    if (pending_.has_value()) (void)target().Commit(pending_->first, pending_->second);
    pending_.reset();
  }
  std::optional<std::pair<Fence, Batch>> pending_;
};

struct GivesNoVersions : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override {
    auto row = target().Get(space, key);
    if (row.ok() && row->has_value()) (*row)->version = Version::kAbsent;
    return row;
  }
};

struct DropsTheUpperEndFirst : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override {
    if (range.from >= range.to) return absl::OkStatus();
    return target().DropRange(fence, space, {range.from + "5", range.to});
  }
};

struct DropsOneKeyTooMuch : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override {
    return target().DropRange(fence, space, {range.from, range.to + std::string("\0", 1)});
  }
};

struct ScansOneKeyTooMuch : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override {
    if (range.to.empty()) return target().Scan(space, range);
    return target().Scan(space, {range.from, range.to + std::string("\0", 1)});
  }
};

struct HasNoLimits : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  StoreLimits limits() const override { return {.batch_units = 100}; }
};

struct ForgetsTheTickets : ForwardingStore {
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<Acquired> Acquire(std::string_view writer) override {
    auto acquired = target().Acquire(writer);
    if (acquired.ok()) acquired->last_ticket = 0;
    return acquired;
  }
};

TEST_CASE("The contract passes a sound wrapper and catches every broken one") {
  CHECK(CasesThatFail(With<Sound>()) == 0);
  const std::vector<std::pair<std::string, Wrap>> broken = {
      {"ignores requirements", With<IgnoresRequirements>()},
      {"applies what did not fail", With<AppliesWhatDidNotFail>()},
      {"accepts stale fences", With<AcceptsStaleFences>()},
      {"refuses a repeated batch", With<RefusesRepetition>()},
      {"acknowledges before it writes", With<AcknowledgesEarly>()},
      {"gives no versions", With<GivesNoVersions>()},
      {"drops the upper end of a range first", With<DropsTheUpperEndFirst>()},
      {"drops one key too much", With<DropsOneKeyTooMuch>()},
      {"scans one key too much", With<ScansOneKeyTooMuch>()},
      {"has other limits than it says", With<HasNoLimits>()},
      {"forgets the tickets", With<ForgetsTheTickets>()},
  };
  for (const auto& [name, wrap] : broken) {
    INFO(name);
    CHECK(CasesThatFail(wrap) > 0);
  }
}

}  // namespace
}  // namespace skald
