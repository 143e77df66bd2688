// What all shards of a coordinator share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "engine_clock.h"
#include "machine.h"
#include "notifier.h"
#include "shard.h"
#include "skald/async/executor.h"
#include "skald/base/strings.h"
#include "skald/coordinator/options.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace skald::inline v1::internal {

struct Core final : MisuseReporter, std::enable_shared_from_this<Core> {
  Core(CoordinatorOptions o, Executor& e) : options(std::move(o)), executor(e) {}

  CoordinatorOptions options;
  Executor& executor;
  std::unique_ptr<Committer> owned_committer;
  Committer* committer = nullptr;
  Fence fence;
  StringMap<std::vector<std::unique_ptr<Registered>>> definitions;  // by name; each version once
  std::unique_ptr<EngineClock> clock;
  StderrObserver default_observer;
  std::unique_ptr<Notifier> notifier;
  std::vector<std::unique_ptr<Shard>> shards;

  std::atomic<uint64_t> next_incarnation{1};
  std::atomic<uint64_t> next_block{1};
  uint64_t first_block = 1;  // the first that this coordinator can write
  std::atomic<uint64_t> last_durable_block{0};
  std::atomic<size_t> in_flight{0};
  std::atomic<bool> accepting{true};
  std::atomic<bool> draining{false};
  std::atomic<bool> failed{false};

  Mutex failure_mutex;
  absl::Status failure SKALD_GUARDED_BY(failure_mutex);

  Mutex random_mutex;

  // Told when an attempt comes back while draining.
  Mutex drained_mutex;
  CondVar drained;

  const Registered* FindDefinition(std::string_view name, uint32_t version) const;
  size_t shard_count() const { return std::max(options.shards, 1u); }
  Shard& ShardOf(uint64_t hash) { return *shards[hash % shards.size()]; }
  // A start in the making: its input is to be filled in.
  std::unique_ptr<PendingStart> NewStart(const Registered& registered, std::string key);
  // Sends it to its shard. REQUIRES: a place in flight is taken. COST: one read.
  void PostStart(std::unique_ptr<PendingStart> start, absl::Duration deadline,
                 StartedCallback done);
  // The saga of a key, running or finished. `done` gets NotFound: never started, or expired. It is
  // called on the saga's loop, which may read the store for it.
  void FindStarted(std::string definition, std::string key, StartedCallback done);
  // The same of one that is not in memory.
  absl::StatusOr<Started> FindStored(std::string_view definition, std::string_view key);
  // Every live saga has at least this incarnation. Conservative, O(shards).
  Incarnation Floor() const;
  double Jitter();
  std::string GenerateKey();
  void Notify(Severity severity, std::string_view kind, std::string subject, std::string message);
  void Report(std::string_view kind, std::string what) override {
    Notify(Severity::kWarning, kind, "step", std::move(what));
  }
  // The committer stopped: nothing more is answered but "ask again".
  void Fail(const absl::Status& why);
  absl::Status Health();
  // Drops the journal before the lowest block that any shard needs. Does I/O.
  void DropOldBlocks();

 private:
  std::atomic<uint64_t> dropped_below_{0};
};

}  // namespace skald::inline v1::internal
