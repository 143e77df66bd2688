// The parts of the store room by themselves: queueing, committing, hot rows, the memory store.
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "skald/store/committer.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

namespace skald {
namespace {

// Takes everything and keeps nothing: what is left is the committer's own work.
class NullStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<CommitResult> Commit(const Fence&, const Batch&) override {
    return CommitResult{};
  }
};

std::string Key(uint64_t number) {
  std::string key(8, '\0');
  for (size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(number >> (8 * (7 - i)));
  return key;
}

Unit LogUnit(uint64_t number) {
  static const std::string kValue(200, 'v');
  Unit unit;
  unit.Put(Space::kLog, Key(number), kValue);
  return unit;
}

void Take(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(status.ToString().c_str());
}

void BuildUnit(benchmark::State& state) {
  uint64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(LogUnit(++number));
}
BENCHMARK(BuildUnit);

// The whole way of a unit on one thread: built, queued, committed to nowhere, answered.
void EnqueueByHand(benchmark::State& state) {
  const auto group = static_cast<uint64_t>(state.range(0));
  MemoryStore memory;
  NullStore store(memory);
  const auto committer = *Committer::Open(store, {.own_thread = false});
  uint64_t number = 0;
  uint64_t answered = 0;
  for (auto _ : state) {
    Take(state, committer->Enqueue(LogUnit(++number), [&](const absl::Status&) { ++answered; }));
    if (number % group == 0) committer->PollOnce();
  }
  committer->PollOnce();
  state.counters["answered"] = static_cast<double>(answered) / static_cast<double>(number);
}
BENCHMARK(EnqueueByHand)->Arg(1)->Arg(64)->Arg(1024);

// What a thread pays to hand over a unit while the committer's own thread works.
void EnqueueToThread(benchmark::State& state) {
  MemoryStore memory;
  NullStore store(memory);
  const auto committer = *Committer::Open(store, {});
  uint64_t number = 0;
  for (auto _ : state) {
    absl::Status status = committer->Enqueue(LogUnit(++number), nullptr, true);
    if (!status.ok()) Take(state, status);
  }
  Take(state, committer->Shutdown(absl::InfiniteDuration()));
  const Committer::Stats stats = committer->stats();
  state.counters["units/batch"] =
      static_cast<double>(stats.units) / static_cast<double>(stats.batches);
}
BENCHMARK(EnqueueToThread)->UseRealTime();

// Read a row, write it, queue; many times in one commit.
void HotRowByHand(benchmark::State& state) {
  const auto group = static_cast<uint64_t>(state.range(0));
  MemoryStore store;
  const auto committer = *Committer::Open(store, {.own_thread = false});
  uint64_t number = 0;
  for (auto _ : state) {
    Transaction tx = committer->Begin();
    const auto value = tx.Get("stock/85123A");
    tx.Put("stock/85123A", Key(++number));
    Take(state, std::move(tx).CommitThen(nullptr));
    if (number % group == 0) committer->PollOnce();
  }
  committer->PollOnce();
}
BENCHMARK(HotRowByHand)->Arg(1)->Arg(64)->Arg(1024);

// The same over rows that are durable: each read goes to the store.
void ColdRowsByHand(benchmark::State& state) {
  constexpr uint64_t kRows = 100'000;
  MemoryStore store;
  const auto committer = *Committer::Open(store, {.own_thread = false});
  uint64_t number = 0;
  for (auto _ : state) {
    const std::string key = Key(++number * 0x9e3779b97f4a7c15U % kRows);
    Transaction tx = committer->Begin();
    const auto value = tx.Get(key);
    tx.Put(key, Key(number));
    Take(state, std::move(tx).CommitThen(nullptr));
    if (number % 1024 == 0) committer->PollOnce();
  }
  committer->PollOnce();
}
BENCHMARK(ColdRowsByHand);

// From queueing a unit to its answer on another thread and back, nothing else going on.
void RoundTripAlone(benchmark::State& state) {
  MemoryStore memory;
  NullStore store(memory);
  const auto committer = *Committer::Open(store, {});
  for (auto _ : state) {
    Transaction tx = committer->Begin();
    tx.Put("k", "v");
    Take(state, std::move(tx).Commit());
  }
}
BENCHMARK(RoundTripAlone)->UseRealTime();

void MemoryStoreLog(benchmark::State& state) {
  constexpr uint64_t kUnits = 256;
  MemoryStore store;
  const Fence fence = store.Acquire("w")->fence;
  Batch batch{.number = 0, .ticket = 1, .units = {}};
  uint64_t key = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ++batch.number;
    batch.ticket += kUnits;
    batch.units.clear();
    for (uint64_t i = 0; i < kUnits; ++i) batch.units.push_back(LogUnit(++key));
    state.ResumeTiming();
    Take(state, store.Commit(fence, batch).status());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kUnits));
}
BENCHMARK(MemoryStoreLog);

void BatchChecksum(benchmark::State& state) {
  Batch batch{.number = 1, .ticket = 1, .units = {}};
  for (uint64_t i = 0; i < 256; ++i) batch.units.push_back(LogUnit(i));
  for (auto _ : state) benchmark::DoNotOptimize(batch.Checksum());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(batch.size_bytes()));
}
BENCHMARK(BatchChecksum);

}  // namespace
}  // namespace skald

BENCHMARK_MAIN();
