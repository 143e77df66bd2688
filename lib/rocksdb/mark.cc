#include "mark.h"

#include <fmt/core.h>

#include "directory.h"
#include "rocks_status.h"
#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/crc32c.h"
#include "skald/base/status.h"

namespace skald::inline v1::rocks {
namespace {

constexpr std::string_view kMagic = "SKALDMRK";
constexpr uint32_t kMarkVersion = 1;

}  // namespace

std::string EncodeMarkSlot(const MarkSlot& slot) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Raw(kMagic).Little(kMarkVersion).Little(uint32_t{0});
  out.Little(static_cast<uint64_t>(slot.store)).Little(slot.ordinal).Little(slot.generation);
  out.Little(uint32_t{0}).Little(Crc32c(bytes));
  SKALD_CHECK(bytes.size() == kMarkSlotBytes, "size={}", bytes.size());
  return bytes;
}

std::optional<MarkSlot> DecodeMarkSlot(std::string_view bytes) {
  if (bytes.size() < kMarkSlotBytes) return std::nullopt;
  ByteReader in(bytes.substr(0, kMarkSlotBytes));
  if (in.Raw(kMagic.size()) != kMagic || in.Little<uint32_t>() != kMarkVersion) return std::nullopt;
  in.Little<uint32_t>();
  MarkSlot slot;
  slot.store = static_cast<StoreId>(in.Little<uint64_t>());
  slot.ordinal = in.Little<uint64_t>();
  slot.generation = in.Little<uint64_t>();
  in.Little<uint32_t>();
  const auto crc = in.Little<uint32_t>();
  if (crc != Crc32c(bytes.substr(0, kMarkSlotBytes - sizeof crc))) return std::nullopt;
  return slot;
}

const MarkSlot* MarkImage::best() const {
  const MarkSlot* best = nullptr;
  for (const std::optional<MarkSlot>& slot : slots) {
    if (slot && (best == nullptr || slot->generation > best->generation)) best = &*slot;
  }
  return best;
}

absl::StatusOr<MarkImage> ReadMark(const FileSystemPtr& fs, const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, ReadSmallFile(fs, path));
  MarkImage image;
  if (!bytes) return image;
  image.exists = true;
  for (size_t i = 0; i < kMarkSlots; ++i) {
    const size_t at = i * kMarkSlotDistance;
    if (at < bytes->size()) image.slots[i] = DecodeMarkSlot(std::string_view(*bytes).substr(at));
  }
  return image;
}

absl::Status ReplaceMark(const FileSystemPtr& fs, const std::string& directory,
                         const MarkSlot& slot) {
  std::string bytes = EncodeMarkSlot(slot);
  bytes.resize(kMarkSlotDistance * kMarkSlots, '\0');
  return ReplaceFile(fs, directory, kMarkFile, bytes);
}

absl::StatusOr<std::unique_ptr<Mark>> Mark::Open(const FileSystemPtr& fs,
                                                 const std::string& directory, StoreId store,
                                                 bool may_create) {
  const std::string path = fmt::format("{}/{}", directory, kMarkFile);
  SKALD_ASSIGN_OR_RETURN(MarkImage image, ReadMark(fs, path));
  if (!image.exists && may_create) {
    SKALD_RETURN_IF_ERROR(
        ReplaceMark(fs, directory, {.store = store, .ordinal = 0, .generation = 1}));
    SKALD_ASSIGN_OR_RETURN(image, ReadMark(fs, path));
  }
  const MarkSlot* best = image.best();
  if (best == nullptr || best->store != store) {
    return absl::DataLossError(fmt::format(
        "the mark '{}' {}, so nothing tells whether acknowledged commits are missing. Run "
        "skald_fsck on the store",
        path,
        !image.exists     ? "is missing"
        : best == nullptr ? "is damaged"
                          : "belongs to another store"));
  }
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  SKALD_RETURN_IF_ERROR(
      FromRocks(fs->NewRandomRWFile(path, {}, &file, nullptr), fmt::format("opening '{}'", path)));
  std::unique_ptr<Mark> mark(new Mark(store, path, std::move(file)));
  MutexLock lock(mark->mutex_);
  mark->ordinal_ = best->ordinal;
  mark->generation_ = best->generation;
  mark->slot_ = best == &*image.slots[0] ? 1 : 0;
  lock.Unlock();
  return mark;
}

uint64_t Mark::ordinal() const {
  MutexLock lock(mutex_);
  return ordinal_;
}

absl::Status Mark::WriteSlot() {
  const std::string bytes = EncodeMarkSlot({store_, ordinal_, ++generation_});
  dirty_ = true;
  const rocksdb::IOStatus status =
      file_->Write(slot_ * kMarkSlotDistance, {bytes.data(), bytes.size()}, {}, nullptr);
  if (status.ok()) return absl::OkStatus();
  rewrite_ = true;
  return FromRocks(status, fmt::format("writing the mark '{}'", path_));
}

absl::Status Mark::Write(uint64_t ordinal) {
  MutexLock lock(mutex_);
  ordinal_ = ordinal;
  return WriteSlot();
}

absl::Status Mark::Sync() {
  MutexLock lock(mutex_);
  if (!dirty_) return absl::OkStatus();
  if (rewrite_) SKALD_RETURN_IF_ERROR(WriteSlot());
  dirty_ = rewrite_ = false;
  slot_ = 1 - slot_;
  lock.Unlock();  // commits write the other slot meanwhile
  const rocksdb::IOStatus status = file_->Sync({}, nullptr);
  if (status.ok()) return absl::OkStatus();
  lock.Lock();
  dirty_ = rewrite_ = true;
  lock.Unlock();
  return FromRocks(status, fmt::format("syncing the mark '{}'", path_));
}

}  // namespace skald::inline v1::rocks
