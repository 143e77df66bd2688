// What the tests of the RocksDB store share.
#pragma once

#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/base/mutex.h"
#include "skald/base/strings.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/rocksdb/testing/hooks.h"
#include "skald/store/store.h"
#include "temporary_directory.h"

namespace skald {

// Remembers what it was told.
class NotingObserver final : public Observer {
 public:
  void OnNotice(const Notice& notice) override {
    MutexLock lock(mutex_);
    notes_.emplace_back(std::string(notice.kind), std::string(notice.message));
  }
  size_t Count(std::string_view kind) {
    MutexLock lock(mutex_);
    size_t count = 0;
    for (const auto& [each, message] : notes_) count += each == kind ? 1 : 0;
    return count;
  }

 private:
  Mutex mutex_;
  std::vector<std::pair<std::string, std::string>> notes_ SKALD_GUARDED_BY(mutex_);
};

inline std::unique_ptr<Store> MustOpen(const std::string& path, RocksDbOptions options = {},
                                       RocksDbTestHooks hooks = {}) {
  if (options.memory_bytes == RocksDbOptions{}.memory_bytes) {
    options.memory_bytes = size_t{16} << 20;
  }
  auto store = OpenRocksDbStoreForTest(path, std::move(options), std::move(hooks));
  INFO(store.status().ToString());
  REQUIRE(store.ok());
  return *std::move(store);
}

inline Acquired MustAcquire(Store& store, std::string_view name = "w") {
  auto acquired = store.Acquire(name);
  INFO(acquired.status().ToString());
  REQUIRE(acquired.ok());
  return *acquired;
}

// A batch of one unit that puts `value` under `key` of the rows and of the log.
inline Batch PutBoth(const Acquired& acquired, uint64_t index, std::string_view key,
                     std::string_view value) {
  Batch batch{
      .number = acquired.last_number + index, .ticket = acquired.last_ticket + index, .units = {}};
  Unit& unit = batch.units.emplace_back();
  unit.Put(Space::kRows, key, value);
  unit.Put(Space::kLog, key, value);
  return batch;
}

inline void MustCommit(Store& store, const Fence& fence, const Batch& batch) {
  auto result = store.Commit(fence, batch);
  INFO(result.status().ToString());
  REQUIRE(result.ok());
  REQUIRE(result->failed_units.empty());
}

inline std::optional<std::string> ValueOf(Store& store, Space space, std::string_view key) {
  auto row = store.Get(space, key);
  INFO(row.status().ToString());
  REQUIRE(row.ok());
  if (!row->has_value()) return std::nullopt;
  return (*row)->value;
}

inline std::vector<std::string> KeysOf(Store& store, Space space, const KeyRange& range = {}) {
  auto cursor = store.Scan(space, range);
  REQUIRE(cursor.ok());
  std::vector<std::string> keys;
  for (; (*cursor)->Valid(); (*cursor)->Next()) keys.emplace_back((*cursor)->key());
  REQUIRE((*cursor)->status().ok());
  return keys;
}

// The message of a status, for looking into.
inline std::string MessageOf(const absl::Status& status) {
  return std::string(ToStd(status.message()));
}

}  // namespace skald
