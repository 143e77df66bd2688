// Power losses under load: what was not synced is dropped, torn or kept, and the machine comes up
// again. And the proof that the audit notices a store that does not sync, or answers too early.
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "saga_life.h"
#include "skald/base/mutex.h"
#include "skald/base/random.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "skald/rocksdb/testing/hooks.h"
#include "temporary_directory.h"

namespace skald_test {
namespace {

using skald::FaultFileSystem;
using skald::Unsynced;

struct Report {
  std::string fault;
  int losses = 0;
  size_t acknowledged = 0;
  uint64_t resumed = 0;
  std::vector<size_t> in_flight;
};

// The outside: what was acknowledged.
class Ledger {
 public:
  void Acknowledged(const std::string& key) {
    skald::MutexLock lock(mutex_);
    all_.push_back(key);
  }
  std::vector<std::string> all() {
    skald::MutexLock lock(mutex_);
    return all_;
  }

 private:
  skald::Mutex mutex_;
  std::vector<std::string> all_ SKALD_GUARDED_BY(mutex_);
};

class PowerLoss {
 public:
  PowerLoss(uint64_t seed, skald::RocksDbTestHooks hooks) : random_(seed), hooks_(hooks) {
    disk_ = FaultFileSystem::Make();
    hooks_.file_system = disk_;
    hooks_.write_buffer_bytes = 256 * 1024;  // flushes and compactions take part
  }

  Report Run(int losses) {
    while (report_.losses < losses && report_.fault.empty()) Live();
    if (report_.fault.empty()) Judge();
    report_.acknowledged = ledger_.all().size();
    return report_;
  }

 private:
  absl::StatusOr<std::unique_ptr<skald::Store>> OpenStore() {
    return skald::OpenRocksDbStoreForTest(
        directory_ / "store", {.observer = &silent_, .memory_bytes = size_t{16} << 20}, hooks_);
  }

  void Live() {
    {
      auto store = OpenStore();
      if (!store.ok()) {
        report_.fault = "opening: " + store.status().ToString();
        return;
      }
      SagaLife life(
          {.acknowledged = [this](const std::string& key) { ledger_.Acknowledged(key); }});
      const absl::Status opened = life.Open(**store, absl::Milliseconds(20));
      if (!opened.ok()) {
        report_.fault = "opening the coordinator: " + opened.ToString();
        return;
      }
      report_.resumed += life.resumed();
      disk_->LosePowerAt(20 + random_.Below(150), random_.Chance(0.5));
      life.Work(fmt::format("life{}", report_.losses), 300, UINT64_MAX);
      life.Drain(absl::Seconds(120));
      disk_->LosePower();
      report_.in_flight.push_back(life.in_flight());
    }
    constexpr Unsynced kFates[] = {Unsynced::kDropped, Unsynced::kTorn, Unsynced::kKept};
    disk_->Restart(kFates[random_.Below(3)], random_);
    ++report_.losses;
  }

  void Judge() {
    auto store = OpenStore();
    if (!store.ok()) {
      report_.fault = "opening for the audit: " + store.status().ToString();
      return;
    }
    SagaLife judge({});
    const absl::Status opened = judge.Open(**store, absl::Seconds(30));
    report_.fault = opened.ok() ? "" : opened.ToString();
    if (!opened.ok()) return;
    if (!judge.Drain(absl::Seconds(120))) report_.fault = "the audit does not come to its end";
    if (report_.fault.empty()) report_.fault = judge.Audit(ledger_.all());
  }

  const skald::TemporaryDirectory directory_;
  skald::SeededRandom random_;
  skald::RocksDbTestHooks hooks_;
  Silent silent_;
  std::shared_ptr<FaultFileSystem> disk_;
  Ledger ledger_;
  Report report_;
};

#if defined(SKALD_DEBUG_CHECKS)
constexpr int kLosses = 10;  // sanitizers look for other things, and slowly
#else
constexpr int kLosses = 100;
#endif

TEST_CASE(
    "after 100 power losses under load every acknowledged start is there, every effect once") {
  Report report = PowerLoss(20'101'201, {}).Run(kLosses);
  CHECK(report.fault == "");
  REQUIRE(report.in_flight.size() == size_t{kLosses});
  std::sort(report.in_flight.begin(), report.in_flight.end());
  const size_t median = report.in_flight[report.in_flight.size() / 2];
  fmt::print(
      "power losses {}: {} acknowledged starts, {} sagas resumed, in flight: min {} median {}\n",
      report.losses, report.acknowledged, report.resumed, report.in_flight.front(), median);
  CHECK(median >= 100);
  CHECK(report.in_flight.front() > 0);
  CHECK(report.resumed > 0);
}

TEST_CASE("the audit of sagas notices a store that does not sync") {
  CHECK(PowerLoss(1, {.sync_off = true}).Run(20).fault != "");
}

TEST_CASE("the audit of sagas notices a store that answers before it commits") {
  CHECK(PowerLoss(1, {.ack_before_commit = true}).Run(20).fault != "");
}

}  // namespace
}  // namespace skald_test
