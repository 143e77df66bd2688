// The mark: the highest ordinal that was acknowledged, kept beside the database as a proof of what
// must be there when it is opened again.
//
// Two slots, each with a CRC and a generation; the valid one with the higher generation counts. A
// slot is written after a commit's sync and before its acknowledgement, so a process crash loses
// none; a sync every 100 ms, by another thread, bounds what a power loss can. Writes go to one slot
// from one sync to the next, so a torn write leaves the other, older slot: the mark is then lower
// than it could be, never higher than what is durable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "files.h"
#include "skald/base/ids.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

struct MarkSlot {
  StoreId store{};
  uint64_t ordinal = 0;
  uint64_t generation = 0;
};

inline constexpr size_t kMarkSlotBytes = 48;
inline constexpr size_t kMarkSlotDistance = 4096;
inline constexpr size_t kMarkSlots = 2;

std::string EncodeMarkSlot(const MarkSlot& slot);
// RETURNS: nullopt unless `bytes` begin with a valid slot.
std::optional<MarkSlot> DecodeMarkSlot(std::string_view bytes);

// What a mark file holds. THREADS: one.
struct MarkImage {
  bool exists = false;
  std::optional<MarkSlot> slots[kMarkSlots];

  const MarkSlot* best() const;
};
absl::StatusOr<MarkImage> ReadMark(const FileSystemPtr& fs, const std::string& path);

// Makes `directory`'s mark say `slot`, durably, whatever it said before.
absl::Status ReplaceMark(const FileSystemPtr& fs, const std::string& directory,
                         const MarkSlot& slot);

// THREADS: any.
class Mark {
 public:
  // Takes an existing mark file; `may_create`: else makes one with ordinal 0, durably.
  // RETURNS: DataLoss  there is none, no slot is valid, or it is another store's
  static absl::StatusOr<std::unique_ptr<Mark>> Open(const FileSystemPtr& fs,
                                                    const std::string& directory, StoreId store,
                                                    bool may_create);

  // The highest ordinal that Write or the file said.
  uint64_t ordinal() const SKALD_EXCLUDES(mutex_);
  // COST: one pwrite of one slot.
  absl::Status Write(uint64_t ordinal) SKALD_EXCLUDES(mutex_);
  // Forces what was written to disk; nothing when nothing was written since. After an error the
  // slot is written anew before the next attempt: the page of a failed sync may be lost.
  absl::Status Sync() SKALD_EXCLUDES(mutex_);

 private:
  Mark(StoreId store, std::string path, std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : store_(store), path_(std::move(path)), file_(std::move(file)) {}
  absl::Status WriteSlot() SKALD_REQUIRES(mutex_);

  const StoreId store_;
  const std::string path_;
  const std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  mutable Mutex mutex_;
  uint64_t ordinal_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t generation_ SKALD_GUARDED_BY(mutex_) = 0;
  size_t slot_ SKALD_GUARDED_BY(mutex_) = 0;
  bool dirty_ SKALD_GUARDED_BY(mutex_) = false;
  bool rewrite_ SKALD_GUARDED_BY(mutex_) = false;
};

}  // namespace skald::inline v1::rocks
