// Where a barrier over a host's own RocksDB keeps its rows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "key_gate.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "skald/base/ids.h"
#include "skald/rocksdb/host_barrier.h"
#include "skald/store/store.h"

namespace skald::inline v1::rocks {

// A column family of the host's, and who writes in it now.
struct HostTable {
  rocksdb::DB& db;
  rocksdb::ColumnFamilyHandle* family;
  KeyGate gate{};
};

// One call's reads and writes; the host's writes join the barrier's in `batch`.
class HostRows {
 public:
  HostRows(HostTable& table, const EffectKey& key) : table_(&table), pass_(table.gate.Enter(key)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key);
  void Put(std::string_view key, std::string_view value);
  void DiscardWrites() { batch_.Clear(); }
  // Reads never contradict each other: the record is all that is read.
  absl::Status status() const { return put_; }
  absl::Status Commit() &&;
  rocksdb::WriteBatch& batch() { return batch_; }

 private:
  HostTable* table_;
  KeyGate::Pass pass_;
  rocksdb::WriteBatch batch_;
  absl::Status put_;
};

class HostPort {
 public:
  using Rows = HostRows;
  using UserRows = internal::HostWrites;

  HostPort(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family)
      : table_(new HostTable{.db = db, .family = family}) {}

  // An action and its compensation share a record.
  HostRows Begin(EffectKey key) {
    key.direction = Direction::kAction;
    return {*table_, key};
  }
  static internal::HostWrites ForUser(HostRows& rows) { return {&rows.batch()}; }

  absl::Status Scan(const KeyRange& range,
                    absl::FunctionRef<absl::Status(std::string_view, std::string_view)> visit);
  absl::Status DropRange(const KeyRange& range);

 private:
  absl::Status DropOneByOne(const KeyRange& range);

  std::unique_ptr<HostTable> table_;
};

}  // namespace skald::inline v1::rocks
