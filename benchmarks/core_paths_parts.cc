// The parts of the core that hold no events: values, the object pool, a shard's inbox and timers.
#include <memory>
#include <utility>

#include "asleep.h"
#include "core.h"
#include "core_paths.h"
#include "order_saga.h"
#include "skald/async/manual_executor.h"
#include "skald/base/check.h"
#include "skald/base/clock.h"
#include "skald/base/codec.h"
#include "skald/base/crc32c.h"
#include "skald/base/hash.h"
#include "skald/pool/object_pool.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "timer_heap.h"

namespace skald::bench {
namespace {

// ---- values
// --------------------------------------------------------------------------------------

template <typename T>
void RunValueEncode(const T& value, uint64_t times) {
  std::string out;
  for (; times > 0; --times) {
    out.clear();
    SKALD_CHECK(Encode(value, &out).ok(), "a value does not encode");
    Keep(out);
  }
}

template <typename T>
void RunValueDecode(const T& value, uint64_t times) {
  std::string bytes;
  SKALD_CHECK(Encode(value, &bytes).ok(), "a value does not encode");
  for (; times > 0; --times) {
    const absl::StatusOr<T> read = Decode<T>(bytes);
    SKALD_CHECK(read.ok(), "a value does not decode");
    Keep(read);
  }
}

std::vector<std::string> Lines() {
  return std::vector<std::string>(8, "85123A WHITE HANGING HEART T-LIGHT HOLDER x 6 at 2.55");
}

void RunHashKey(uint64_t times) {
  const std::string key = "order-00001234";
  for (; times > 0; --times) Keep(StableHash64(std::string_view("place-order"), key));
}
void RunHashInput(uint64_t times) {
  const std::string input(Noise(kInputBytes, 1));
  for (; times > 0; --times) Keep(StableHash128(input));
}
void RunCrc(uint64_t times) {
  const std::string block(Noise(4096, 1));
  for (; times > 0; --times) Keep(Crc32c(block));
}

// ---- the object pool
// -----------------------------------------------------------------------------

struct Buffer {
  std::string bytes;
  void Clear() { bytes.clear(); }
};

void RunPool(uint64_t times) {
  ObjectPool<Buffer> pool({.capacity = 4096});
  for (; times > 0; --times) {
    const auto buffer = pool.Acquire();
    SKALD_CHECK(buffer.ok(), "the pool is exhausted");
    Keep(buffer);
  }
}

// More than a thread's cache holds.
void RunPoolMany(uint64_t times) {
  ObjectPool<Buffer> pool({.capacity = 4096});
  std::vector<Pooled<Buffer>> held;
  for (uint64_t i = 0; i < times; ++i) {
    held.push_back(pool.Acquire().value());
    if (held.size() == 32) held.clear();
  }
}

// ---- a shard
// -------------------------------------------------------------------------------------

// A coordinator's core with one shard that nobody drives but this.
struct LoneShard {
  LoneShard() {
    CoordinatorOptions options;
    options.own_threads = false;
    options.clock = &clock;
    core = std::make_shared<internal::Core>(options, executor);
    core->owned_committer = Committer::Open(store, {.own_thread = false, .clock = &clock}).value();
    core->committer = core->owned_committer.get();
    core->fence = core->committer->fence();
    core->clock = std::make_unique<internal::EngineClock>(clock, kPathsBegin);
    core->notifier =
        std::make_unique<internal::Notifier>(core->default_observer, *core->clock, false);
    core->shards.push_back(std::make_unique<internal::Shard>(*core, 0));
  }
  ~LoneShard() { core->shards.clear(); }

  ManualClock clock{kPathsBegin};
  MemoryStore store{{.id = StoreId{7}}};
  ManualExecutor executor;
  std::shared_ptr<internal::Core> core;
};

void RunInbox(uint64_t times) {
  LoneShard lone;
  internal::Shard& shard = *lone.core->shards.front();
  uint64_t taken = 0;
  for (uint64_t i = 1; i <= times; ++i) {
    shard.Post({.kind = internal::Message::Kind::kCall,
                .object = nullptr,
                .call = [&taken](internal::Shard&) { ++taken; }});
    if (i % kGroup == 0 || i == times) shard.RunOnce();
  }
  SKALD_CHECK(taken == times, "{} of {} messages", taken, times);
}

struct TimerOwner {
  MicroTime timer_at;
  uint32_t timer_place = internal::kNoPlace;
};

// A thousand timers; a round puts one in, moves one, and takes the earliest out.
void RunTimers(uint64_t times) {
  constexpr uint64_t kTimers = 1024;
  std::vector<TimerOwner> owners(kTimers);
  internal::TimerHeap<TimerOwner> heap;
  const auto at = [](uint64_t number) {
    return kPathsBegin + absl::Milliseconds(static_cast<int64_t>(Mixed(number) % 60'000));
  };
  for (uint64_t i = 0; i < kTimers; ++i) heap.Set(&owners[i], at(i));
  for (uint64_t i = 0; i < times; ++i) {
    TimerOwner* first = heap.top();
    heap.Remove(first);
    heap.Set(first, at(kTimers + i));
    heap.Set(&owners[Mixed(i) % kTimers], at(i));
  }
  SKALD_CHECK(heap.size() == kTimers, "{} timers", heap.size());
}

// A thousand sagas asleep; a round adds one, and takes out the first that is due.
void RunSleepers(uint64_t times) {
  MemoryStore store({.id = StoreId{7}});
  internal::Sleepers sleepers;
  const auto add = [&](uint64_t number) {
    const absl::Duration wait =
        absl::Microseconds(static_cast<int64_t>(Mixed(number) % 20'000'000));
    sleepers.Add({.time = kPathsBegin + wait, .saga = IdOf(number)});
  };
  add(0);
  const auto mine = [](uint64_t) { return true; };
  SKALD_CHECK(sleepers.ReadWindow(store, kPathsBegin, mine).ok(), "the store does not read");
  for (uint64_t i = 1; i < 1024; ++i) add(i);
  for (uint64_t i = 0; i < times; ++i) {
    const auto due = sleepers.TakeDue(kPathsBegin + absl::Seconds(30));
    SKALD_CHECK(due.has_value(), "nothing is due");
    sleepers.Remove(due->saga);
    add(1024 + i);
  }
}

void RunAsleepRow(uint64_t times) {
  const std::string journal(Noise(500, 1));
  for (uint64_t i = 0; i < times; ++i) {
    const internal::WakeTime wake{kPathsBegin + absl::Seconds(i), IdOf(i)};
    const std::string row =
        internal::EncodeAsleep({.wake = wake.time, .epoch = 1, .block = i, .journal = journal});
    SKALD_CHECK(
        internal::DecodeAsleep(row).ok() && internal::ParseWakeKey(internal::WakeKey(wake)).ok(),
        "a row does not read");
    Keep(row);
  }
}

void AddValues(std::vector<Path>& paths) {
  const auto order = NoiseAs<Order>(0);
  paths.push_back({"value-encode", "a struct of 200 bytes", 8192,
                   [order](uint64_t times) { RunValueEncode(order, times); }});
  paths.push_back({"value-decode", "the same", 8192,
                   [order](uint64_t times) { RunValueDecode(order, times); }});
  paths.push_back({"value-encode-list", "a vector of eight texts", 2048,
                   [](uint64_t times) { RunValueEncode(Lines(), times); }});
  paths.push_back({"value-decode-list", "the same", 2048,
                   [](uint64_t times) { RunValueDecode(Lines(), times); }});
  paths.push_back({"hash-key", "definition and key, 64 bits", 8192, RunHashKey});
  paths.push_back({"hash-input", "200 bytes, 128 bits", 4096, RunHashInput});
  paths.push_back({"crc32c", "4 KiB", 2048, RunCrc});
}

}  // namespace

void AddPartPaths(std::vector<Path>& paths) {
  AddValues(paths);
  paths.push_back({"pool", "acquire and return", 8192, RunPool});
  paths.push_back({"pool-many", "the same, 32 at a time", 8192, RunPoolMany});
  paths.push_back({"inbox", "a message to a shard and its call, 192 at a time", 6144, RunInbox});
  paths.push_back({"timers", "one in, one moved, one out, of 1,024", 8192, RunTimers});
  paths.push_back({"sleepers", "one in, one out, of 1,024", 8192, RunSleepers});
  paths.push_back({"sleeper-row", "row and timer's key, written and read", 4096, RunAsleepRow});
}

}  // namespace skald::bench
