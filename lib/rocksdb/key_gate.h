// Optimistic exclusion by key, in memory: a call that began before another one committed under its
// key does not commit. No lock is held while the call runs or writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "skald/base/ids.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

// THREADS: any.
class KeyGate {
  struct Entry {
    EffectKey key;
    size_t passes = 0;
    uint64_t commits = 0;
    bool committing = false;
  };

 public:
  // A call's: what it reads from here on is still so at its commit, or it does not commit.
  class Pass {
   public:
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), entry_(other.entry_), seen_(other.seen_) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(entry_, other.entry_);
      std::swap(seen_, other.seen_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave(*entry_);
    }

   private:
    friend class KeyGate;
    Pass(KeyGate& gate, Entry& entry, uint64_t seen) : gate_(&gate), entry_(&entry), seen_(seen) {}

    KeyGate* gate_;
    Entry* entry_;
    uint64_t seen_;
  };

  KeyGate() = default;
  KeyGate(const KeyGate&) = delete;
  KeyGate& operator=(const KeyGate&) = delete;

  Pass Enter(const EffectKey& key) SKALD_EXCLUDES(mutex_);
  // Waits for a commit of the key that is under way, then runs `write`, whose failure counts as a
  // commit too. RETURNS: Aborted: somebody has committed since the pass was given; what `write`
  // says.
  absl::Status Commit(const Pass& pass, absl::FunctionRef<absl::Status()> write)
      SKALD_EXCLUDES(mutex_);

 private:
  void Leave(Entry& entry) SKALD_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar committed_;
  absl::flat_hash_map<EffectKey, std::unique_ptr<Entry>> entries_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1::rocks
