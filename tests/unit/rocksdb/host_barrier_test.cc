// A barrier in a database that is the host's: its own column families, its own batches.
#include "skald/rocksdb/host_barrier.h"

#include <atomic>
#include <thread>
#include <vector>

#include "rocksdb/comparator.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/transaction_db.h"
#include "skald/base/check.h"
#include "skald/base/random.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "support.h"

using namespace skald;

namespace {

struct Hold {
  int64_t units = 0;
  friend bool operator==(const Hold&, const Hold&) = default;
};

BarrierRequest RequestOf(uint64_t number, Direction direction = Direction::kAction) {
  return {.key = {.store = StoreId{1},
                  .saga = {.hash = number, .incarnation = Incarnation{number}},
                  .step = 1,
                  .direction = direction},
          .floor = Incarnation{1},
          .fingerprint = {number, 1}};
}

// A shop that keeps its stock in a RocksDB of its own, in a family beside the barrier's.
class Shop {
 public:
  explicit Shop(std::shared_ptr<rocksdb::FileSystem> file_system = nullptr) {
    if (file_system != nullptr) env_ = rocksdb::NewCompositeEnv(std::move(file_system));
    REQUIRE(Open().ok());
  }
  ~Shop() { Close(); }

  rocksdb::Status Open() {
    rocksdb::Options options;
    options.create_if_missing = options.create_missing_column_families = true;
    if (env_ != nullptr) options.env = env_.get();
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    const rocksdb::Status opened =
        rocksdb::DB::Open(options, directory_ / "db",
                          {{"default", rocksdb::ColumnFamilyOptions(options)},
                           {"calls", rocksdb::ColumnFamilyOptions(options)}},
                          &families, &db);
    if (!opened.ok()) return opened;
    db_.reset(db);
    stock_ = families[0];
    calls_ = families[1];
    auto barrier = HostBarrier::Open(*db_, calls_, {.floor_step = 8});
    REQUIRE(barrier.ok());
    barrier_ = *std::move(barrier);
    return opened;
  }
  void Close() {
    barrier_.reset();
    if (db_ == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* family : {stock_, calls_})
      db_->DestroyColumnFamilyHandle(family);
    db_.reset();
  }

  int64_t Sold() {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), stock_, "sold", &value);
    return status.ok() ? std::stoll(value) : 0;
  }
  // The host's lock is around the call: `sold` is read and written by all of them.
  Verdict<Hold> Sell(uint64_t number) {
    const MutexLock lock(mutex_);
    return barrier_->Action(RequestOf(number), [&](rocksdb::WriteBatch& batch) {
      ++runs_;
      AddTo(batch, 1);
      return Hold{1};
    });
  }
  Verdict<Nothing> Return(uint64_t number) {
    const MutexLock lock(mutex_);
    return barrier_->Compensation<Hold>(
        RequestOf(number, Direction::kCompensation),
        [&](rocksdb::WriteBatch& batch, const Hold& hold) { AddTo(batch, -hold.units); });
  }
  void AddTo(rocksdb::WriteBatch& batch, int64_t units) {
    SKALD_CHECK(batch.Put(stock_, "sold", std::to_string(Sold() + units)).ok(), "units={}", units);
  }

  HostBarrier& barrier() { return *barrier_; }
  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* calls() { return calls_; }
  int runs() const { return runs_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* stock_ = nullptr;
  rocksdb::ColumnFamilyHandle* calls_ = nullptr;
  std::unique_ptr<HostBarrier> barrier_;
  Mutex mutex_;
  std::atomic<int> runs_{0};
};

}  // namespace

TEST_CASE("a host's barrier answers again what it answered, also after the database is reopened") {
  Shop shop;
  for (int run = 0; run < 3; ++run) {
    const auto sold = shop.Sell(7);
    REQUIRE(sold.done());
    CHECK(sold.output() == Hold{1});
    CHECK(shop.Sold() == 1);
    shop.Close();
    REQUIRE(shop.Open().ok());
  }
  CHECK(shop.runs() == 1);
  CHECK(shop.Return(7).done());
  CHECK(shop.Return(7).done());
  CHECK(shop.Sold() == 0);
}

TEST_CASE("in a host's database, what was undone before it came is refused for its key") {
  Shop shop;
  CHECK(shop.Return(7).done());
  CHECK(shop.Sell(7).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.barrier().Reconcile<Hold>(RequestOf(8)).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Sell(8).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Sold() == 0);
}

TEST_CASE("in a host's database, a rejected function's writes are dropped") {
  Shop shop;
  const auto reject = [&](rocksdb::WriteBatch& batch) -> Verdict<Hold> {
    shop.AddTo(batch, 1);
    return Rejected("sold out");
  };
  CHECK(shop.barrier().Action(RequestOf(7), reject).kind() == VerdictKind::kRejected);
  CHECK(shop.barrier().Action(RequestOf(7), reject).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Sold() == 0);
}

TEST_CASE("in a host's database, a compensation overtakes an action whose function still runs") {
  Shop shop;
  int runs = 0;
  const auto acted = shop.barrier().Action(RequestOf(7), [&](rocksdb::WriteBatch& batch) {
    if (runs++ == 0) CHECK(shop.Return(7).done());
    shop.AddTo(batch, 1);
    return Hold{1};
  });
  CHECK(acted.kind() == VerdictKind::kRejectedForKey);
  CHECK(runs == 1);
  CHECK(shop.Sold() == 0);
}

TEST_CASE("in a host's database, of equal calls at once one runs and all get its answer") {
  Shop shop;
  std::atomic<int> runs = 0, done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (uint64_t number = 1; number <= 50; ++number) {
        const auto said = shop.barrier().Action(RequestOf(number), [&](rocksdb::WriteBatch&) {
          ++runs;
          return Hold{static_cast<int64_t>(number)};
        });
        done += said.done() && said.output().units == static_cast<int64_t>(number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(runs == 50);
  CHECK(done == 400);
}

TEST_CASE("in a host's database, calls of many threads leave its rows as if one had made them") {
  Shop shop;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 40; ++i) {
        const uint64_t number = 1 + (t / 2) * 1000 + i;  // two threads ask for each
        done += shop.Sell(number).done();
        if (i % 4 == 0) done += shop.Return(number).done();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(shop.Sold() == 2 * 30);
  CHECK(shop.runs() == 80);
}

TEST_CASE("in a host's database, rows below the floor are dropped, and their calls refused") {
  Shop shop;
  for (uint64_t number = 1; number <= 20; ++number) REQUIRE(shop.Sell(number).done());
  BarrierRequest late = RequestOf(21);
  late.floor = Incarnation{21};
  REQUIRE(shop.barrier().Action(late, [](rocksdb::WriteBatch&) { return Hold{}; }).done());
  REQUIRE(shop.barrier().Sweep().ok());
  CHECK(shop.Sell(20).kind() == VerdictKind::kUnknown);
  std::string value;
  const std::string row = BarrierRowKey("barrier", RequestOf(20).key);
  CHECK(shop.db().Get(rocksdb::ReadOptions(), shop.calls(), row, &value).IsNotFound());
  shop.Close();
  REQUIRE(shop.Open().ok());
  CHECK(shop.Sell(20).kind() == VerdictKind::kUnknown);
  CHECK(shop.Sold() == 20);
}

TEST_CASE("in a host's database, a sync that fails leaves the outcome unknown") {
  const auto disk = FaultFileSystem::Make();
  Shop shop(disk);
  disk->FailSync({.at = 1, .only = ".log"});
  CHECK(shop.Sell(7).kind() == VerdictKind::kUnknown);
  shop.Close();
  disk->Heal();
  REQUIRE(shop.Open().ok());
  CHECK(shop.Sell(7).done());
  CHECK(shop.Sold() == 1);
}

TEST_CASE("in a host's database, no answer is lost to a power loss and no row without its record") {
  SeededRandom random(20261125);
  int losses = 0;
  for (const Unsynced fate : {Unsynced::kDropped, Unsynced::kTorn, Unsynced::kKept}) {
    for (uint64_t at = 1; at < 60; ++at) {
      const auto disk = FaultFileSystem::Make();
      Shop shop(disk);
      disk->LosePowerAt(at, at % 2 == 0);
      std::vector<uint64_t> sold, returned;
      for (uint64_t number = 1; number <= 12; ++number) {
        if (shop.Sell(number).done()) sold.push_back(number);
        if (number % 3 == 0 && shop.Return(number).done()) returned.push_back(number);
      }
      losses += disk->power_lost();
      shop.Close();
      disk->LosePower();
      disk->Restart(fate, random);
      REQUIRE(shop.Open().ok());
      const int runs = shop.runs();
      for (const uint64_t number : returned) CHECK(shop.Return(number).done());
      for (const uint64_t number : sold) CHECK(shop.Sell(number).done());
      CHECK(shop.runs() == runs);
      // Whatever was not acknowledged is settled now, one way or the other.
      for (uint64_t number = 1; number <= 12; ++number) {
        CHECK(shop.Sell(number).done());
        if (number % 3 == 0) CHECK(shop.Return(number).done());
      }
      CHECK(shop.Sold() == 8);
    }
  }
  CHECK(losses > 50);
}

TEST_CASE("a host's barrier says what it cannot stand on") {
  Shop shop;
  CHECK(HostBarrier::Open(shop.db(), nullptr).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(HostBarrier::Open(shop.db(), shop.calls(), {.name = "No Name"}).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(HostBarrier::Open(shop.db(), shop.calls(), {.floor_step = 0}).status().code() ==
        absl::StatusCode::kInvalidArgument);

  rocksdb::ColumnFamilyOptions backwards;
  backwards.comparator = rocksdb::ReverseBytewiseComparator();
  rocksdb::ColumnFamilyHandle* family = nullptr;
  REQUIRE(shop.db().CreateColumnFamily(backwards, "backwards", &family).ok());
  const auto refused = HostBarrier::Open(shop.db(), family);
  CHECK_THAT(std::string(ToStd(refused.status().message())),
             Catch::Matchers::Contains("ordered bytewise"));
  shop.db().DestroyColumnFamilyHandle(family);

  const TemporaryDirectory directory;
  rocksdb::Options options;
  options.create_if_missing = options.avoid_flush_during_recovery = true;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open(options, directory / "db", &db).ok());
  const std::unique_ptr<rocksdb::DB> owned(db);
  CHECK_THAT(
      std::string(ToStd(HostBarrier::Open(*db, db->DefaultColumnFamily()).status().message())),
      Catch::Matchers::Contains("avoid_flush_during_recovery"));
}

TEST_CASE("in a host's database that can drop no range, records below the floor go one by one") {
  const TemporaryDirectory directory;
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::TransactionDB* opened = nullptr;
  REQUIRE(rocksdb::TransactionDB::Open(options, rocksdb::TransactionDBOptions(), directory / "db",
                                       &opened)
              .ok());
  const std::unique_ptr<rocksdb::TransactionDB> db(opened);
  auto barrier = *HostBarrier::Open(*db, db->DefaultColumnFamily(), {.floor_step = 8});
  for (uint64_t i = 1; i <= 100; ++i) {
    BarrierRequest request = RequestOf(i);
    request.floor = Incarnation{i};
    REQUIRE(barrier->Action(request, [](rocksdb::WriteBatch&) { return Hold{1}; }).done());
  }
  CHECK(barrier->Sweep().ok());
  size_t rows = 0;
  const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next()) ++rows;
  CHECK(rows == 2);  // the last record, and the floor
}
