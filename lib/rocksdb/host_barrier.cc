#include "skald/rocksdb/host_barrier.h"

#include <fmt/format.h>

#include "host_port.h"
#include "rocks_status.h"
#include "rocksdb/comparator.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "skald/participant/internal/barrier_core.h"

namespace skald::inline v1 {
namespace rocks {
namespace {

constexpr int kDropsPerWrite = 1000;

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

rocksdb::Slice SliceOf(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// Whatever the code, RocksDB may have written the batch into its log.
absl::Status UnknownOutcome(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("writing to the host's database, outcome unknown: {}", status.ToString()));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> HostRows::Get(std::string_view key) {
  std::string value;
  const rocksdb::Status status =
      table_->db.Get(rocksdb::ReadOptions(), table_->family, SliceOf(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status, "reading from the host's database");
  return value;
}

void HostRows::Put(std::string_view key, std::string_view value) {
  const rocksdb::Status status = batch_.Put(table_->family, SliceOf(key), SliceOf(value));
  if (!status.ok() && put_.ok()) put_ = FromRocks(status, "adding the record to the host's batch");
}

absl::Status HostRows::Commit() && {
  SKALD_RETURN_IF_ERROR(put_);
  // What was read was durable before it could be read.
  if (batch_.Count() == 0) return absl::OkStatus();
  return table_->gate.Commit(
      pass_, [this] { return UnknownOutcome(table_->db.Write(Synced(), &batch_)); });
}

absl::Status HostPort::Scan(
    const KeyRange& range,
    absl::FunctionRef<absl::Status(std::string_view, std::string_view)> visit) {
  const rocksdb::Slice to = SliceOf(range.to);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &to;
  const std::unique_ptr<rocksdb::Iterator> at(table_->db.NewIterator(options, table_->family));
  for (at->Seek(SliceOf(range.from)); at->Valid(); at->Next()) {
    SKALD_RETURN_IF_ERROR(
        visit({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()}));
  }
  return FromRocks(at->status(), "scanning the host's database");
}

absl::Status HostPort::DropRange(const KeyRange& range) {
  const rocksdb::Status dropped = table_->db.DeleteRange(rocksdb::WriteOptions(), table_->family,
                                                         SliceOf(range.from), SliceOf(range.to));
  if (dropped.IsNotSupported()) return DropOneByOne(range);  // a TransactionDB
  return FromRocks(dropped, "dropping records below the floor");
}

absl::Status HostPort::DropOneByOne(const KeyRange& range) {
  rocksdb::WriteBatch batch;
  const auto write = [&] {
    const rocksdb::Status written = table_->db.Write(rocksdb::WriteOptions(), &batch);
    batch.Clear();
    return FromRocks(written, "dropping records below the floor");
  };
  const absl::Status dropped = Scan(range, [&](std::string_view key, std::string_view) {
    const rocksdb::Status deleted = batch.Delete(table_->family, SliceOf(key));
    if (!deleted.ok()) return FromRocks(deleted, "dropping a record");
    return batch.Count() < kDropsPerWrite ? absl::OkStatus() : write();
  });
  SKALD_RETURN_IF_ERROR(dropped);
  return batch.Count() == 0 ? absl::OkStatus() : write();
}

}  // namespace rocks

class HostBarrier::Impl : public internal::BarrierCore<rocks::HostPort> {
 public:
  using BarrierCore::BarrierCore;
};

absl::StatusOr<std::unique_ptr<HostBarrier>> HostBarrier::Open(rocksdb::DB& db,
                                                               rocksdb::ColumnFamilyHandle* family,
                                                               BarrierOptions options) {
  SKALD_RETURN_IF_ERROR(internal::CheckOptions(options));
  if (family == nullptr) {
    return absl::InvalidArgumentError("no column family: db.DefaultColumnFamily() is one");
  }
  if (family->GetComparator() != rocksdb::BytewiseComparator()) {
    return absl::InvalidArgumentError(
        fmt::format("column family '{}' is ordered by {}: a barrier wants one that is ordered "
                    "bytewise",
                    family->GetName(), family->GetComparator()->Name()));
  }
  if (db.GetDBOptions().avoid_flush_during_recovery) {
    return absl::InvalidArgumentError(
        "the database was opened with avoid_flush_during_recovery, so that what it has read of its "
        "log may not be durable: open it without");
  }
  auto impl = std::make_unique<Impl>(rocks::HostPort(db, family), std::move(options));
  SKALD_RETURN_IF_ERROR(impl->LoadFloors());
  return std::unique_ptr<HostBarrier>(new HostBarrier(std::move(impl)));
}

HostBarrier::HostBarrier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostBarrier::~HostBarrier() = default;

BarrierReply HostBarrier::Run(BarrierVerb verb, const BarrierRequest& request,
                              internal::BodyOver<internal::HostWrites> body) {
  return impl_->Run(verb, request, body);
}

absl::Status HostBarrier::Sweep() {
  return impl_->Sweep();
}

}  // namespace skald::inline v1
