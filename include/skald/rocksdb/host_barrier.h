// A barrier in a host's own RocksDB: its rows and the host's are written by one
// rocksdb::WriteBatch, so that a participant that has its data in RocksDB already needs no second
// database. What it answers is what skald::Barrier answers (participant/barrier.h): the same
// decisions, the same rows.
//
//   auto barrier = skald::HostBarrier::Open(*db, family, {.name = "stock"});
//   …
//   return (*barrier)->Action(request, [&](rocksdb::WriteBatch& batch) -> skald::Verdict<Hold> {
//     batch.Put(stock, item, left);                    // read as you like; write only here
//     return Hold{units};
//   });
//
// The function's writes become durable with the record or not at all. Against itself the barrier
// needs no lock of the host's: of two calls that touch one key's record, whichever writes first
// decides, and the other is prepared again. Rows of the host are the host's: two calls of different
// keys that read and write the same row must exclude each other, with a lock of the host's that is
// taken before the call and released after it.
//
// Survives what the host's database survives; every write is synced. RocksDB does not notice all
// damage to its write-ahead log (see rocksdb/rocksdb_store.h, which does).
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier_options.h"
#include "skald/participant/barrier_request.h"
#include "skald/participant/internal/barrier_inl.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace skald::inline v1 {

namespace internal {
struct HostWrites {
  rocksdb::WriteBatch* batch;
};
}  // namespace internal

// THREADS: any. All calls block until the answer is durable.
class SKALD_EXPORT HostBarrier {
 public:
  // Reads the floors. Keys in `family` that begin with '~' are the barrier's; the others are free.
  // One barrier of a name at a time over one database, which outlives it.
  // RETURNS: InvalidArgument for the options, for a family that is not ordered bytewise, and for a
  //          database that was opened with avoid_flush_during_recovery: what it has read of the log
  //          at open may be in a cache only, and would be answered as durable
  //          DataLoss, naming the row, for a floor that does not read
  //          what RocksDB says
  static absl::StatusOr<std::unique_ptr<HostBarrier>> Open(rocksdb::DB& db,
                                                           rocksdb::ColumnFamilyHandle* family,
                                                           BarrierOptions options = {});
  // REQUIRES: no call is in process.
  ~HostBarrier();
  HostBarrier(const HostBarrier&) = delete;
  HostBarrier& operator=(const HostBarrier&) = delete;

  // Runs `function(rocksdb::WriteBatch&)`, unless the record has the answer; again from the start,
  // with an empty batch, when the record has changed meanwhile. What it puts into the batch is
  // written only if it says Done.
  // REQUIRES: request.key.direction == kAction.
  // RETURNS:  as Barrier::Action.
  // COST:     one read, one synced write.
  template <typename Function>
  Verdict<internal::OutputOf<Function, rocksdb::WriteBatch&>> Action(const BarrierRequest& request,
                                                                     Function&& function) {
    using T = internal::OutputOf<Function, rocksdb::WriteBatch&>;
    const auto act = [&function](internal::HostWrites& writes) { return function(*writes.batch); };
    return internal::ToVerdict<T>(
        Run(BarrierVerb::kAction, request, internal::ActionBody<internal::HostWrites>(act)));
  }

  // Runs `function(rocksdb::WriteBatch&, const T& output)` as Barrier::Compensation does.
  // REQUIRES: request.key.direction == kCompensation.
  template <typename T, typename Function>
  Verdict<Nothing> Compensation(const BarrierRequest& request, Function&& function) {
    const auto undo = [&function](internal::HostWrites& writes, const T& output) {
      return function(*writes.batch, output);
    };
    return internal::ToVerdict<Nothing>(
        Run(BarrierVerb::kCompensation, request,
            internal::CompensationBody<internal::HostWrites, T>(undo)));
  }

  // What became of an action, settled for good. REQUIRES: request.key.direction == kAction.
  template <typename T>
  Verdict<T> Reconcile(const BarrierRequest& request) {
    return internal::ToVerdict<T>(
        Run(BarrierVerb::kReconcile, request, internal::NoBody<internal::HostWrites>()));
  }

  // As Barrier::Sweep.
  absl::Status Sweep();

 private:
  class Impl;
  explicit HostBarrier(std::unique_ptr<Impl> impl);

  BarrierReply Run(BarrierVerb verb, const BarrierRequest& request,
                   internal::BodyOver<internal::HostWrites> body);

  std::unique_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
