#include "kept.h"

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "engine.h"
#include "fmt/format.h"
#include "order_saga.h"
#include "raw_database.h"
#include "skald/async/thread_pool.h"
#include "skald/base/hash.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "starter.h"

namespace skald::bench {
namespace {

// Started behind those that count: a record of the newest ones stands in memory, not in its row.
constexpr uint64_t kBehind = 2 * (uint64_t{1} << 15);
constexpr uint64_t kLookEvery = 64;  // pieces of work between two looks at the clock

// A coordinator over the store in `dir`.
class OpenStore {
 public:
  explicit OpenStore(const std::string& dir) : store_(RocksDb()(dir)) {
    auto opened = Coordinator::Open(*store_, pool_, {PlaceOrderInline()});
    if (!opened.ok()) Die(opened.status().ToString());
    coordinator_ = *std::move(opened);
  }
  ~OpenStore() {
    const absl::Status status = coordinator_->Shutdown(absl::Seconds(30));
    if (!status.ok()) Die(status.ToString());
  }
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;

  Coordinator& coordinator() { return *coordinator_; }

 private:
  std::unique_ptr<Store> store_;
  ThreadPool pool_;
  std::unique_ptr<Coordinator> coordinator_;
};

// The store that all of them share.
class Kept {
 public:
  explicit Kept(uint64_t count) : count_(count) {}

  // RETURNS: its directory, filled.
  std::string Dir(const RunOptions& options) {
    if (dir_ == nullptr) Fill(options);
    return dir_->path() + "/db";
  }
  uint64_t count() const { return count_; }
  // Keys of one closed loop are not those of another.
  uint64_t NextLoop() { return ++loops_ << 32; }

 private:
  void Fill(const RunOptions& options) {
    dir_ = std::make_unique<ScratchDir>(options.dir, "kept");
    OpenStore open(dir_->path() + "/db");
    Starter starter(open.coordinator(), Starter::Until::kEnded);
    StartNumbered(starter, 0, count_ + kBehind, "filling a store with ended sagas");
  }

  const uint64_t count_;
  std::unique_ptr<ScratchDir> dir_;
  uint64_t loops_ = 0;
};

// Numbers of kept sagas, all alike often; each run draws others.
class Draw {
 public:
  explicit Draw(uint64_t count) : numbers_(0, count - 1) {}
  uint64_t operator()() { return numbers_(random_); }

 private:
  std::mt19937_64 random_{std::random_device()()};
  std::uniform_int_distribution<uint64_t> numbers_;
};

Measured RunKept(Kept& kept, const RunOptions& options) {
  OpenStore open(kept.Dir(options));
  return RunClosedLoopOn(open.coordinator(), options, kept.NextLoop());
}

Measured RunDuplicates(Kept& kept, const RunOptions& options) {
  OpenStore open(kept.Dir(options));
  Starter starter(open.coordinator(), Starter::Until::kStarted, options.in_flight);
  Draw draw(kept.count());
  Window window(options);
  uint64_t started = 0;
  do {
    for (uint64_t at = 0; at < kLookEvery; ++at, ++started) starter.Start(draw());
  } while (window.Tick(starter.settled()));
  starter.WaitForAll();
  if (starter.existed() != started) {
    Die(fmt::format("{} of {} duplicate starts began a saga", started - starter.existed(),
                    started));
  }
  return window.Result();
}

// As the engine forms it.
std::string RowKey(uint64_t number) {
  std::string key = "s";
  AppendBigEndian64(key, StableHash64(kPlaceOrder.name(), NumberedKey(number)));
  return key;
}

Measured RunReads(Kept& kept, const RunOptions& options) {
  const std::unique_ptr<rocks::Database> database = OpenReadOnly(kept.Dir(options));
  rocksdb::ColumnFamilyHandle* const rows = database->in(Space::kRows);
  Draw draw(kept.count());
  Window window(options);
  rocksdb::PinnableSlice found;
  uint64_t done = 0;
  do {
    for (uint64_t at = 0; at < kLookEvery; ++at, ++done) {
      const uint64_t number = draw();
      found.Reset();
      const rocksdb::Status status = database->db().Get({}, rows, RowKey(number), &found);
      if (!status.ok()) Die(fmt::format("the row of saga {}: {}", number, status.ToString()));
    }
  } while (window.Tick(done));
  return window.Result();
}

}  // namespace

std::vector<Contender> EnterKept(FieldPlan& plan) {
  const uint64_t count = plan.quick ? 600'000 : 10'000'000;
  plan.note = fmt::format("{} ended sagas kept", count);
  const auto kept = std::make_shared<Kept>(count);
  const auto on_kept = [&](Measured (*run)(Kept&, const RunOptions&)) {
    return [kept, run](const RunOptions& options) { return run(*kept, options); };
  };
  return {{"empty",
           [](const RunOptions& options) {
             return RunClosedLoop({RocksDb(), Steps::kInline}, options);
           }},
          {"kept", on_kept(RunKept)},
          {"reads", on_kept(RunReads)},
          {"duplicates", on_kept(RunDuplicates)}};
}

}  // namespace skald::bench
