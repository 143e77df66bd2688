#include "barrier_actions.h"

#include <fmt/format.h>

#include <string>

#include "ceilings.h"
#include "engine.h"
#include "group_loop.h"
#include "skald/base/mutex.h"
#include "skald/participant/barrier.h"
#include "skald/store/committer.h"
#include "workload.h"

namespace skald::bench {
namespace {

constexpr size_t kVersionBytes = 8;  // before each value in the store

BarrierRequest RequestOf(uint64_t number) {
  return {
      .key = {.store = StoreId{1},
              .saga = {.hash = number * 0x9e3779b97f4a7c15U, .incarnation = Incarnation{number}},
              .step = 3},
      .floor = Incarnation{1},
      .fingerprint = {number, 0}};
}

std::string BusinessKey(uint64_t number) {
  return fmt::format("order/{}", number);
}

size_t RecordBytes() {
  const std::string key = BarrierRowKey("barrier", RequestOf(1).key);
  const BarrierRecord record{.action = ActionRecord::kDone,
                             .action_fingerprint = {1, 0},
                             .text = std::string(kOutputBytes, 'o')};
  return EncodeBarrierRecord(key, record).size() + kVersionBytes;
}

// Calls that are not answered yet.
class InFlight {
 public:
  explicit InFlight(uint32_t most) : most_(most) {}
  void Add() {
    MutexLock lock(mutex_);
    while (count_ >= most_) changed_.Wait(mutex_);
    ++count_;
  }
  void Remove() {
    MutexLock lock(mutex_);
    ++answered_;
    // The caller goes on when there is something to do for a while: it is woken seldom.
    if (--count_ == most_ / 2 || count_ == 0) changed_.NotifyAll();
  }
  uint64_t answered() {
    MutexLock lock(mutex_);
    return answered_;
  }
  void WaitUntilEmpty() {
    MutexLock lock(mutex_);
    while (count_ > 0) changed_.Wait(mutex_);
  }

 private:
  const uint32_t most_;
  Mutex mutex_;
  CondVar changed_;
  uint32_t count_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t answered_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace

Measured RunCeilingBatch(const RunOptions& options) {
  PlainDb db(options, "batch", PlainOptions());
  const size_t record_bytes = RecordBytes();
  const size_t business_bytes = kOutputBytes + kVersionBytes;
  uint64_t number = 0;
  Window window(options);
  do {
    for (uint32_t i = 0; i < options.in_flight; ++i) {
      ++number;
      const std::string_view record = Noise(record_bytes, number);
      const std::string_view business = Noise(business_bytes, number);
      const std::string row = BarrierRowKey("barrier", RequestOf(number).key);
      const std::string key = BusinessKey(number);
      db.batch().Put(key, rocksdb::Slice(business.data(), business.size()));
      db.batch().Put(row, rocksdb::Slice(record.data(), record.size()));
    }
    db.Commit();
  } while (window.Tick(number));
  return window.Result();
}

Measured RunBarrierActions(const RunOptions& options) {
  const ScratchDir dir(options.dir, "barrier");
  const std::unique_ptr<Store> store = RocksDb()(dir.path() + "/db");
  auto committer = Committer::Open(*store, {.writer = "shop"});
  if (!committer.ok()) Die(committer.status().ToString());
  auto barrier = Barrier::Open(**committer);
  if (!barrier.ok()) Die(barrier.status().ToString());
  InFlight calls(options.in_flight);
  Window window(options);
  uint64_t number = 0;
  do {
    for (uint32_t i = 0; i < 64; ++i) {
      ++number;
      calls.Add();
      (*barrier)->ActionThen(
          RequestOf(number),
          [number](Transaction& rows) {
            rows.Put(BusinessKey(number), Noise(kOutputBytes, number));
            return std::string(Noise(kOutputBytes, number + 1));
          },
          [&calls](const Verdict<std::string>& said) {
            if (!said.done()) Die("an action was not done");
            calls.Remove();
          });
    }
  } while (window.Tick(calls.answered()));
  calls.WaitUntilEmpty();
  return window.Result();
}

}  // namespace skald::bench
