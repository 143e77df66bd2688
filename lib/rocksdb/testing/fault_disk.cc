#include "fault_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1 {
namespace {

namespace files = std::filesystem;

std::optional<std::string> ReadWhole(const std::string& path) {
  if (!files::is_regular_file(path)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void WriteWhole(const std::string& path, const std::optional<std::string>& bytes) {
  if (!bytes) {
    std::error_code ignored;
    files::remove(path, ignored);
    return;
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
}

void WriteAt(const std::string& path, uint64_t offset, std::string_view bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string DirectoryOf(const std::string& path) {
  return files::path(path).parent_path().string();
}

}  // namespace

bool FaultFileSystem::Disk::Countdown::Hits(std::string_view path) {
  if (left == 0 || path.find(only) == std::string_view::npos) return false;
  if (left > 1) {
    --left;
    return false;
  }
  if (!for_good) left = 0;
  return true;
}

void FaultFileSystem::Disk::FailWrite(Where where) {
  MutexLock lock(mutex_);
  write_fault_ = {where.at, where.for_good, std::move(where.only)};
}
void FaultFileSystem::Disk::FailSync(Where where) {
  MutexLock lock(mutex_);
  sync_fault_ = {where.at, where.for_good, std::move(where.only)};
}
void FaultFileSystem::Disk::SetFreeBytes(uint64_t bytes) {
  MutexLock lock(mutex_);
  free_bytes_ = bytes;
}
void FaultFileSystem::Disk::LosePowerAt(uint64_t at, bool done) {
  MutexLock lock(mutex_);
  power_left_ = at;
  power_done_ = done;
}
void FaultFileSystem::Disk::LosePower() {
  MutexLock lock(mutex_);
  power_lost_ = true;
}
void FaultFileSystem::Disk::Heal() {
  MutexLock lock(mutex_);
  write_fault_ = sync_fault_ = {};
  free_bytes_ = kUnlimited;
  power_left_ = 0;
}
bool FaultFileSystem::Disk::power_lost() const {
  MutexLock lock(mutex_);
  return power_lost_;
}
uint64_t FaultFileSystem::Disk::writes() const {
  MutexLock lock(mutex_);
  return writes_;
}
uint64_t FaultFileSystem::Disk::syncs() const {
  MutexLock lock(mutex_);
  return syncs_;
}

FaultFileSystem::Disk::Answer FaultFileSystem::Disk::Power(bool& counted) {
  counted = false;
  if (power_lost_) return Answer::kPowerLost;
  counted = true;
  if (power_left_ == 0 || --power_left_ > 0) return Answer::kGoOn;
  power_lost_ = true;
  return power_done_ ? Answer::kPowerDone : Answer::kPowerLost;
}

FaultFileSystem::Disk::Answer FaultFileSystem::Disk::BeforeWrite(const std::string& path,
                                                                 uint64_t bytes) {
  MutexLock lock(mutex_);
  bool counted = false;
  const Answer power = Power(counted);
  writes_ += counted ? 1 : 0;
  if (power != Answer::kGoOn) return power;
  if (write_fault_.Hits(path)) return Answer::kFail;
  if (free_bytes_ == kUnlimited) return Answer::kGoOn;
  if (bytes > free_bytes_) return Answer::kNoSpace;
  free_bytes_ -= bytes;
  return Answer::kGoOn;
}

FaultFileSystem::Disk::Answer FaultFileSystem::Disk::BeforeSync(const std::string& path) {
  MutexLock lock(mutex_);
  bool counted = false;
  const Answer power = Power(counted);
  syncs_ += counted ? 1 : 0;
  if (power != Answer::kGoOn) return power;
  if (!sync_fault_.Hits(path)) return Answer::kGoOn;
  files_[path].damned = true;
  return Answer::kFail;
}

void FaultFileSystem::Disk::Appended(const std::string& path, uint64_t size) {
  MutexLock lock(mutex_);
  const auto found = files_.find(path);
  if (found != files_.end()) found->second.size = size;  // else it has lost its name
}

void FaultFileSystem::Disk::Overwriting(const std::string& path, uint64_t offset,
                                        std::string before) {
  MutexLock lock(mutex_);
  files_[path].overwrites.push_back({offset, std::move(before)});
}

void FaultFileSystem::Disk::Synced(const std::string& path) {
  MutexLock lock(mutex_);
  File& file = files_[path];
  if (file.damned) return;
  file.durable = file.size;
  file.overwrites.clear();
}

void FaultFileSystem::Disk::DirectorySynced(const std::string& path) {
  const std::string directory = path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
  MutexLock lock(mutex_);
  std::erase_if(names_,
                [&](const NameChange& change) { return DirectoryOf(change.path) == directory; });
}

void FaultFileSystem::Disk::NameChanging(const std::string& path) {
  MutexLock lock(mutex_);
  names_.push_back({path, ReadWhole(path)});
}

void FaultFileSystem::Disk::Removed(const std::string& path) {
  MutexLock lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  if (free_bytes_ != kUnlimited) free_bytes_ += found->second.size;
  files_.erase(found);
}

void FaultFileSystem::Disk::Renamed(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  files_.erase(to);
  const auto found = files_.find(from);
  if (found == files_.end()) return;
  File file = std::move(found->second);
  files_.erase(found);
  files_.emplace(to, std::move(file));
}

void FaultFileSystem::Disk::OpenedForWriting(const std::string& path, bool truncated) {
  std::error_code missing;
  const uint64_t size = truncated ? 0 : files::file_size(path, missing);
  MutexLock lock(mutex_);
  if (truncated) files_.erase(path);
  files_.emplace(path, File{.size = missing ? 0 : size, .durable = missing ? 0 : size});
}

void FaultFileSystem::Disk::Restart(Unsynced unsynced, Random& random) {
  MutexLock lock(mutex_);
  for (auto& [path, file] : files_) TakeBackData(path, file, unsynced, random);
  TakeBackNames(unsynced, random);
  files_.clear();
  names_.clear();
  write_fault_ = sync_fault_ = {};
  free_bytes_ = kUnlimited;
  power_left_ = 0;
  power_lost_ = false;
}

void FaultFileSystem::Disk::TakeBackData(const std::string& path, File& file, Unsynced unsynced,
                                         Random& random) {
  if (!files::exists(path)) return;
  if (unsynced == Unsynced::kKept && !file.damned) return;
  const bool torn = unsynced == Unsynced::kTorn;
  // The later ones of a random number are lost; the last that stays may be there by half.
  size_t keep = torn ? random.Below(file.overwrites.size() + 1) : 0;
  for (size_t i = file.overwrites.size(); i-- > keep;) {
    const Overwrite& each = file.overwrites[i];
    const size_t from = torn && i == keep ? random.Below(each.before.size() + 1) : 0;
    WriteAt(path, each.offset + from, std::string_view(each.before).substr(from));
  }
  const uint64_t size = files::file_size(path);
  if (file.durable >= size) return;
  uint64_t left = file.durable;
  if (torn) left += random.Below(size - file.durable + 1);
  files::resize_file(path, left);
  if (!torn || left == file.durable || !path.ends_with(".log") || random.Chance(0.5)) return;
  // In a write-ahead log a part of what is left may never have reached the disk. (Elsewhere an
  // append is torn as file systems with ordered data tear it: the size never runs ahead.)
  const uint64_t hole = file.durable + random.Below(left - file.durable);
  const uint64_t bytes = std::min<uint64_t>(left - hole, 1 + random.Below(4096));
  WriteAt(path, hole, std::string(bytes, '\0'));
}

void FaultFileSystem::Disk::TakeBackNames(Unsynced unsynced, Random& random) {
  if (unsynced == Unsynced::kKept) return;
  const size_t keep = unsynced == Unsynced::kTorn ? random.Below(names_.size() + 1) : 0;
  for (size_t i = names_.size(); i-- > keep;) WriteWhole(names_[i].path, names_[i].before);
}

}  // namespace skald::inline v1
