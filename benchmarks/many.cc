#include "many.h"

#include <malloc.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine.h"
#include "fmt/format.h"
#include "heap.h"
#include "parked.h"
#include "raw_database.h"
#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/store/forwarding_store.h"
#include "starter.h"

namespace skald::bench {
namespace {

constexpr double kStallSeconds = 60;

// Knows when the last cursor over it was let go of.
class ScanWatch final : public ForwardingStore {
 public:
  explicit ScanWatch(Store& target) : ForwardingStore(target) {}

  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override {
    absl::StatusOr<std::unique_ptr<Cursor>> cursor = target().Scan(space, range);
    if (!cursor.ok()) return cursor.status();
    return std::make_unique<Watched>(*std::move(cursor), ended_at_);
  }
  double ended_at() const { return ended_at_; }

 private:
  class Watched final : public Cursor {
   public:
    Watched(std::unique_ptr<Cursor> target, double& ended_at)
        : target_(std::move(target)), ended_at_(ended_at) {}
    ~Watched() override { ended_at_ = NowSeconds(); }
    bool Valid() const override { return target_->Valid(); }
    void Next() override { target_->Next(); }
    std::string_view key() const override { return target_->key(); }
    std::string_view value() const override { return target_->value(); }
    Version version() const override { return target_->version(); }
    absl::Status status() const override { return target_->status(); }

   private:
    std::unique_ptr<Cursor> target_;
    double& ended_at_;
  };

  double ended_at_ = 0;
};

// A store, and a coordinator whose sagas do not get beyond their first step.
class ParkedEngine {
 public:
  ParkedEngine(const std::string& dir, uint64_t sagas)
      : parking_(sagas), store_(RocksDb()(dir)), watch_(*store_) {}

  void Open() {
    CoordinatorOptions options;
    options.in_flight_max = SIZE_MAX;
    auto opened = Coordinator::Open(watch_, pool_, {PlaceOrderParked(parking_)}, options);
    if (!opened.ok()) Die(opened.status().ToString());
    coordinator_ = *std::move(opened);
  }
  void WaitUntilParked(uint64_t count) {
    const double give_up_at = NowSeconds() + kStallSeconds;
    MutexLock lock(mutex_);
    while (parking_.size() < count) {
      moment_.WaitFor(mutex_, absl::Milliseconds(1));
      if (NowSeconds() > give_up_at) Die(fmt::format("{} sagas were not resumed", count));
    }
  }
  Coordinator& coordinator() { return *coordinator_; }
  const Parking& parking() const { return parking_; }
  double scan_ended_at() const { return watch_.ended_at(); }

 private:
  // (The coordinator goes first: a step that is not answered then stays so.)
  Parking parking_;
  std::unique_ptr<Store> store_;
  ScanWatch watch_;
  ThreadPool pool_;
  Mutex mutex_;
  CondVar moment_;
  std::unique_ptr<Coordinator> coordinator_;
};

class Many {
 public:
  explicit Many(uint64_t count) : count_(count) {}

  std::string Dir(const RunOptions& options) {
    if (dir_ == nullptr) Fill(options);
    malloc_trim(0);  // a process that opens a store has its memory still to get
    return dir_->path() + "/db";
  }
  uint64_t count() const { return count_; }

 private:
  void Fill(const RunOptions& options) {
    dir_ = std::make_unique<ScratchDir>(options.dir, "many");
    {
      ParkedEngine engine(dir_->path() + "/db", count_);
      engine.Open();
      Starter starter(engine.coordinator(), Starter::Until::kStarted);
      StartNumbered(starter, 0, count_, "filling a store with sagas in flight");
      engine.WaitUntilParked(count_);
    }
    // Once more, so that the write-ahead log stands in tables whoever reads first.
    RocksDb()(dir_->path() + "/db");
  }

  const uint64_t count_;
  std::unique_ptr<ScratchDir> dir_;
};

Measured RunOpen(Many& many, const RunOptions& options) {
  ParkedEngine engine(many.Dir(options), many.count());
  const double heap = HeapBytes();
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  engine.Open();
  const double opened = NowSeconds();
  const double cpu = CpuSeconds() - began_cpu;
  const double scan_ended = engine.scan_ended_at();
  engine.WaitUntilParked(many.count());
  const auto count = static_cast<double>(many.count());
  Measured measured{.count = many.count(), .seconds = opened - began, .cpu_seconds = cpu};
  measured.found.emplace(kScanSeconds, scan_ended - began);
  measured.found.emplace(kFirstActionSeconds, engine.parking().first_at() - scan_ended);
  measured.found.emplace(kAllResumedSeconds, NowSeconds() - began);
  measured.found.emplace(kResumedBytes, (HeapBytes() - heap) / count);
  return measured;
}

Measured RunScan(Many& many, const RunOptions& options) {
  const std::unique_ptr<rocks::Database> database = OpenReadOnly(many.Dir(options));
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  const uint64_t bytes = ReadAll(*database);
  Measured measured{.count = many.count(),
                    .seconds = NowSeconds() - began,
                    .cpu_seconds = CpuSeconds() - began_cpu};
  measured.found.emplace("mib", static_cast<double>(bytes) / (1 << 20));
  return measured;
}

}  // namespace

std::vector<Contender> EnterMany(FieldPlan& plan) {
  const uint64_t count = plan.quick ? 100'000 : 1'000'000;
  plan.run.warmup_seconds = 0;
  plan.seconds_max = 1;  // about: it opens once and is done
  plan.note = fmt::format("{} sagas in flight", count);
  const auto many = std::make_shared<Many>(count);
  const auto on_many = [&](Measured (*run)(Many&, const RunOptions&)) {
    return [many, run](const RunOptions& options) { return run(*many, options); };
  };
  return {{"scan", on_many(RunScan)}, {"open", on_many(RunOpen)}};
}

}  // namespace skald::bench
