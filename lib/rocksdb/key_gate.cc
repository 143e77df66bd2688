#include "key_gate.h"

#include <fmt/format.h>

namespace skald::inline v1::rocks {

KeyGate::Pass KeyGate::Enter(const EffectKey& key) {
  MutexLock lock(mutex_);
  std::unique_ptr<Entry>& entry = entries_[key];
  if (entry == nullptr) entry = std::make_unique<Entry>(Entry{.key = key});
  ++entry->passes;
  return {*this, *entry, entry->commits};
}

absl::Status KeyGate::Commit(const Pass& pass, absl::FunctionRef<absl::Status()> write) {
  Entry& entry = *pass.entry_;
  {
    MutexLock lock(mutex_);
    while (entry.committing) committed_.Wait(mutex_);
    if (entry.commits != pass.seen_) {
      return absl::AbortedError(fmt::format(
          "the record of key {} has changed since it was read: begin again", ToString(entry.key)));
    }
    entry.committing = true;
  }
  absl::Status status = write();
  MutexLock lock(mutex_);
  ++entry.commits;
  entry.committing = false;
  committed_.NotifyAll();
  return status;
}

void KeyGate::Leave(Entry& entry) {
  MutexLock lock(mutex_);
  if (--entry.passes == 0) entries_.erase(EffectKey(entry.key));
}

}  // namespace skald::inline v1::rocks
