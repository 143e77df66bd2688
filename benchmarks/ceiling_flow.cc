#include "ceiling_flow.h"

#include <array>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ceilings.h"
#include "rocksdb/db.h"
#include "rocksdb/memtablerep.h"
#include "rocksdb/write_batch.h"

namespace skald::bench {
namespace {

constexpr size_t kVersionBytes = 8;  // before each row's value in the store

// Rows in a skip list, where they are found again; the journal in a vector, as only recovery reads
// it.
class PlainFamilies {
 public:
  explicit PlainFamilies(const std::string& path) {
    rocksdb::Options options = PlainOptions();
    options.create_missing_column_families = true;
    options.allow_concurrent_memtable_write = false;  // the vector takes one writer
    rocksdb::ColumnFamilyOptions log(options);
    log.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
    const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
        {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions(options)}, {"log", log}};
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, path, families, &handles_, &db));
    db_.reset(db);
    sync_.sync = true;
  }
  ~PlainFamilies() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      Check(db_->DestroyColumnFamilyHandle(handle));
    }
  }
  PlainFamilies(const PlainFamilies&) = delete;
  PlainFamilies& operator=(const PlainFamilies&) = delete;

  // RETURNS: how many rows there were.
  uint64_t Commit(const RecordedDatabase& recorded, size_t commit) {
    batch_.Clear();
    recorded.ForEachOf(commit, [this](const RecordedDatabase::Write& write) { Add(write); });
    Check(db_->Write(sync_, &batch_));
    return batch_.Count();
  }

 private:
  static rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
  static void Check(const rocksdb::Status& status) {
    if (!status.ok()) Die(status.ToString());
  }

  void Add(const RecordedDatabase::Write& write) {
    rocksdb::ColumnFamilyHandle* const family = handles_[write.space == Space::kRows ? 0 : 1];
    const rocksdb::Slice key = ToSlice(write.key);
    if (write.deletes) return Check(batch_.Delete(family, key));
    if (write.space == Space::kLog) return Check(batch_.Put(family, key, ToSlice(write.value)));
    static constexpr std::array<char, kVersionBytes> kVersion{};
    const rocksdb::Slice value[2] = {{kVersion.data(), kVersion.size()}, ToSlice(write.value)};
    Check(batch_.Put(family, {&key, 1}, {value, 2}));
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::WriteBatch batch_;
  rocksdb::WriteOptions sync_;
};

}  // namespace

Measured RunCeilingFlow(const Recording& recording, uint64_t orders, const RunOptions& options) {
  const ScratchDir dir(options.dir, "flow-ceiling");
  std::vector<std::unique_ptr<PlainFamilies>> databases;
  for (const auto& recorded : recording) {
    databases.push_back(std::make_unique<PlainFamilies>(dir.path() + "/" + recorded->name()));
  }
  std::latch begin(1);
  std::vector<std::jthread> writers;
  for (size_t i = 0; i < recording.size(); ++i) {
    writers.emplace_back([&begin, &database = *databases[i], &recorded = *recording[i]] {
      begin.wait();
      uint64_t rows = 0;
      for (size_t commit = 0; commit < recorded.commits(); ++commit) {
        rows += database.Commit(recorded, commit);
      }
      if (rows != recorded.rows()) Die(recorded.name() + ": not all that was recorded was written");
    });
  }
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  begin.count_down();
  writers.clear();  // joins them
  return {
      .count = orders, .seconds = NowSeconds() - began, .cpu_seconds = CpuSeconds() - began_cpu};
}

}  // namespace skald::bench
