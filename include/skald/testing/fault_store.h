// A store whose calls fail on demand, before or after they took effect, and that can lose its
// power: what a broken connection, a full disk, a lost answer or a pulled plug looks like from
// outside.
//
//   FaultStore store(memory);
//   store.FailNext(2, FaultStore::When::kAfter);   // applied, but the caller is told otherwise
//
//   store.SetFaults([&](StoreCall call) { … return StoreFault::kBefore; });  // for each call anew
//   store.LosePower(UnsyncedFate::kTorn, random);  // from now on every call fails
//
// One FaultStore is one process's view of a disk, which is the target: after a power loss the next
// process opens a FaultStore of its own over the same target.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/store/forwarding_store.h"

namespace skald::inline v1 {

enum class StoreCall : uint8_t { kAcquire, kCommit, kGet, kScan, kDropRange };

enum class StoreFault : uint8_t {
  kNone,
  kBefore,  // fails, nothing happened
  kAfter,   // happened, and the caller is told that it failed
  kLater,   // a commit: fails, and happens by itself later, if it still can (see ApplyLate)
  kFull,    // as kBefore, with ResourceExhausted
};

// What becomes, at a power loss, of what was done but not synced.
enum class UnsyncedFate : uint8_t { kDropped, kTorn, kKept };

// THREADS: any; what SetFaults is given is called on the caller's thread, under no lock.
class SKALD_EXPORT FaultStore final : public ForwardingStore {
 public:
  enum class When : uint8_t { kBefore = 1, kAfter = 2 };  // of the batch being applied

  using ForwardingStore::ForwardingStore;

  // The `skip`-th commit from now on and the `count` - 1 after it fail with `error`.
  void FailNext(uint64_t count, When when,
                absl::Status error = absl::UnavailableError("injected by FaultStore"),
                uint64_t skip = 0);
  // Asked before every call; replaces what was set before. nullptr: no faults.
  using Faults = absl::AnyInvocable<StoreFault(StoreCall)>;
  void SetFaults(Faults faults);

  // Ranges are dropped at the next commit instead of at once: until then a power loss undoes it.
  void DeferDrops(bool deferred);
  // Lets the oldest commit that failed as kLater take effect now. RETURNS: false: there was none.
  bool ApplyLate();
  // Every call fails from now on. Commits that were to happen later are kept or not, dropped ranges
  // are gone, whole, in part or not at all, as `fate` says.
  void LosePower(UnsyncedFate fate, Random& random);
  bool powerless() const;

  uint64_t commits() const;

  absl::StatusOr<Acquired> Acquire(std::string_view writer) override;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override;
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override;
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override;

 private:
  struct LateCommit {
    Fence fence;
    Batch batch;
  };
  struct Drop {
    Fence fence;
    Space space;
    KeyRange range;
  };

  // RETURNS: the fault of this call; kBefore without power.
  StoreFault Draw(StoreCall call);
  StoreFault ScriptedFault(absl::Status& error);
  void ApplyDrops();
  void Tear(const Drop& drop, Random& random);

  mutable Mutex mutex_;
  uint64_t commits_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t first_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t end_ SKALD_GUARDED_BY(mutex_) = 0;
  When when_ SKALD_GUARDED_BY(mutex_) = When::kBefore;
  absl::Status error_ SKALD_GUARDED_BY(mutex_);
  bool powerless_ SKALD_GUARDED_BY(mutex_) = false;
  bool defer_drops_ SKALD_GUARDED_BY(mutex_) = false;
  std::deque<LateCommit> late_ SKALD_GUARDED_BY(mutex_);
  std::deque<Drop> drops_ SKALD_GUARDED_BY(mutex_);
  std::shared_ptr<Faults> faults_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1
