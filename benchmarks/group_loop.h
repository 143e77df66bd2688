// The loop of every ceiling that writes groups: take a group's facts, make them durable, again.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "ceilings.h"
#include "measure.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "workload.h"

namespace skald::bench {

// Write: void(std::span<const Fact>); returns when the facts are durable.
template <typename Write>
Measured DriveGroups(const RunOptions& options, Write&& write) {
  Flights flights(options.in_flight, options.shape);
  Window window(options);
  do {
    write(flights.NextGroup());
  } while (window.Tick(flights.finished()));
  return window.Result();
}

// A database in a directory of its own, and one synced batch after the other.
class PlainDb {
 public:
  PlainDb(const RunOptions& run, std::string_view name, rocksdb::Options options)
      : dir_(run.dir, name) {
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, dir_.path() + "/db", &db));
    db_.reset(db);
    sync_.sync = true;
  }

  rocksdb::WriteBatch& batch() { return batch_; }
  void Commit() {
    Check(db_->Write(sync_, &batch_));
    batch_.Clear();
  }

 private:
  static void Check(const rocksdb::Status& status) {
    if (!status.ok()) Die(status.ToString());
  }

  ScratchDir dir_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
  rocksdb::WriteOptions sync_;
};

}  // namespace skald::bench
