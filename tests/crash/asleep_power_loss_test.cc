// Power losses while every saga falls asleep and none ends: the journal is dropped behind them,
// again and again, and what is dropped is all that there was of a saga but its row.
#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/async/manual_executor.h"
#include "skald/base/clock.h"
#include "skald/base/observer.h"
#include "skald/base/random.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "skald/rocksdb/testing/hooks.h"
#include "skald/saga/define.h"
#include "temporary_directory.h"

namespace skald_test {
namespace {

using skald::FaultFileSystem;
using skald::Unsynced;

constexpr skald::SagaKey<"parcel", 1, std::string> kParcel;
struct Packed : skald::StepKey<"packed", std::string> {};
struct Collected : skald::SignalKey<"collected", std::string> {};

#if defined(SKALD_DEBUG_CHECKS)
constexpr int kLosses = 6;  // sanitizers look for other things, and slowly
#else
constexpr int kLosses = 40;
#endif
// A megabyte of journal that nothing needs is dropped: some 120 of these.
constexpr size_t kInputBytes = 8192;
constexpr int kSagasALife = 4000;
constexpr int kStartsATurn = 32;

struct Silent final : skald::Observer {
  void OnNotice(const skald::Notice&) override {}
};

class Sleepers {
 public:
  Sleepers(uint64_t seed, skald::RocksDbTestHooks hooks) : random_(seed), hooks_(hooks) {
    hooks_.file_system = disk_;
    hooks_.write_buffer_bytes = size_t{1} << 20;
  }

  // RETURNS: what is wrong; empty: nothing.
  std::string Run(int losses) {
    std::string fault;
    for (int life = 0; life < losses && fault.empty(); ++life) fault = Live(life);
    return fault.empty() ? Judge() : fault;
  }

  size_t acknowledged() const { return acknowledged_.size(); }
  int shortened() const { return shortened_; }

 private:
  // Starts sagas until the power goes.
  std::string Live(int life) {
    if (std::string fault = Open(); !fault.empty()) return fault;
    const std::string at_open = FirstBlock();
    bool shortened = false;  // in this life, before its power goes
    disk_->LosePowerAt(300 + random_.Below(1500), random_.Chance(0.5));
    for (int i = 0; i < kSagasALife && coordinator_->health().ok(); ++i) {
      const std::string key = fmt::format("{}-{}", life, i);
      coordinator_->StartThen(kParcel, std::string(kInputBytes, 'i'), {.key = key},
                              [this, key](const auto& saga) {
                                if (saga.ok()) acknowledged_.push_back(key);
                              });
      if (i % kStartsATurn != 0) continue;
      Pump();
      if (!shortened && !disk_->power_lost()) shortened = FirstBlock() != at_open;
    }
    Pump();
    if (!disk_->power_lost()) return "the power was not lost: there were too few sagas";
    shortened_ += shortened ? 1 : 0;
    coordinator_.reset();
    store_.reset();
    constexpr Unsynced kFates[] = {Unsynced::kDropped, Unsynced::kTorn, Unsynced::kKept};
    disk_->Restart(kFates[random_.Below(3)], random_);
    return "";
  }

  // Every acknowledged saga is asleep, and goes on when it is signalled.
  std::string Judge() {
    if (std::string fault = Open(); !fault.empty()) return fault;
    for (const std::string& key : acknowledged_) {
      auto saga = coordinator_->Start(kParcel, std::string(kInputBytes, 'i'), {.key = key});
      if (!saga.ok()) return saga.status().ToString();
      if (!saga->existed()) return fmt::format("saga {} is lost", key);
      const absl::Status told = coordinator_->Signal(saga->id(), Collected{}, "yes", "once");
      if (!told.ok()) return told.ToString();
      Pump();
      if (saga->Await()->state() != skald::SagaState::kCompleted) {
        return fmt::format("saga {} does not complete", key);
      }
    }
    return "";
  }

  std::string Open() {
    auto store = skald::OpenRocksDbStoreForTest(
        directory_ / "store", {.observer = &silent_, .memory_bytes = size_t{16} << 20}, hooks_);
    if (!store.ok()) return "opening: " + store.status().ToString();
    store_ = *std::move(store);
    skald::CoordinatorOptions options;
    options.own_threads = false;
    options.clock = &clock_;
    options.random = &random_;
    options.observer = &silent_;
    options.journal_bytes_max = size_t{1} << 20;
    auto coordinator = skald::Coordinator::Open(
        *store_, executor_,
        {skald::Define(kParcel)
             .NoEffect(Packed{}, [](const skald::StepContext&,
                                    const std::string&) { return std::string("packed"); })
             .AwaitSignal(Collected{}, absl::InfiniteDuration())
             .Build()},
        options);
    if (!coordinator.ok()) return "opening the coordinator: " + coordinator.status().ToString();
    coordinator_ = *std::move(coordinator);
    Pump();
    return "";
  }
  void Pump() {
    while (coordinator_->PollOnce() || executor_.RunOne()) {
    }
  }
  // Of the journal; empty: it cannot be read.
  std::string FirstBlock() {
    auto blocks = store_->Scan(skald::Space::kLog, skald::KeyRange{});
    return blocks.ok() && (*blocks)->Valid() ? std::string((*blocks)->key()) : "";
  }

  const skald::TemporaryDirectory directory_;
  skald::SeededRandom random_;
  skald::ManualClock clock_;
  skald::ManualExecutor executor_;
  Silent silent_;
  std::shared_ptr<FaultFileSystem> disk_ = FaultFileSystem::Make();
  skald::RocksDbTestHooks hooks_;
  std::unique_ptr<skald::Store> store_;
  std::unique_ptr<skald::Coordinator> coordinator_;
  std::vector<std::string> acknowledged_;
  int shortened_ = 0;
};

TEST_CASE("no saga asleep is lost to a power loss while the journal is dropped behind it") {
  Sleepers w(20'241'126, {});
  CHECK(w.Run(kLosses) == "");
  fmt::print("power losses {}: {} sagas asleep, the journal was dropped in {} lives\n", kLosses,
             w.acknowledged(), w.shortened());
  CHECK(w.acknowledged() > size_t{kLosses} * 100);
  CHECK(w.shortened() >= kLosses / 2);
}

TEST_CASE("the audit of sagas asleep notices a store that does not sync") {
  CHECK(Sleepers(1, {.sync_off = true}).Run(10) != "");
}

}  // namespace
}  // namespace skald_test
