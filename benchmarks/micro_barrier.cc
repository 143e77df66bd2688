// What a barrier adds to a participant's own change: the same business row with and without it,
// over the memory store, committed by hand 512 calls at a time. Claim 13 asks for 0.8 of the raw
// batch.
//
//   RawBatch       the row and a 33-byte key's record of the same size, put without any barrier
//   BarrierAction  the same row by Barrier::ActionThen
//   Repetition     the recorded answer of an action
//   DecideAlone    the pure part alone
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "skald/base/check.h"
#include "skald/participant/barrier.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"

namespace skald {
namespace {

constexpr uint64_t kCallsPerCommit = 512;
const std::string kOutput(100, 'o');
const std::string kBusinessRow(100, 'b');

struct World {
  World() {
    committer = Committer::Open(store, {.own_thread = false}).value();
    barrier = Barrier::Open(*committer).value();
  }
  void Poll() {
    while (committer->PollOnce()) {
    }
  }

  MemoryStore store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Barrier> barrier;
};

BarrierRequest RequestOf(uint64_t number) {
  return {
      .key = {.store = StoreId{1},
              .saga = {.hash = number * 0x9e3779b97f4a7c15U, .incarnation = Incarnation{number}},
              .step = 3},
      .floor = Incarnation{1},
      .fingerprint = {number, 0}};
}

std::string BusinessKey(uint64_t number) {
  return "order/" + std::to_string(number);
}

void RawBatch(benchmark::State& state) {
  World world;
  uint64_t number = 0;
  for (auto _ : state) {
    ++number;
    Transaction rows = world.committer->Begin();
    const std::string key = BarrierRowKey("raw", RequestOf(number).key);
    rows.Put(key, kOutput);
    rows.Put(BusinessKey(number), kBusinessRow);
    SKALD_CHECK(std::move(rows).CommitThen([](const absl::Status&) {}).ok());
    if (number % kCallsPerCommit == 0) world.Poll();
  }
  world.Poll();
}
BENCHMARK(RawBatch);

void BarrierAction(benchmark::State& state) {
  World world;
  uint64_t number = 0, done = 0;
  for (auto _ : state) {
    ++number;
    world.barrier->ActionThen(
        RequestOf(number),
        [&](Transaction& rows) {
          rows.Put(BusinessKey(number), kBusinessRow);
          return kOutput;
        },
        [&done](Verdict<std::string> said) { done += said.done(); });
    if (number % kCallsPerCommit == 0) world.Poll();
  }
  world.Poll();
  SKALD_CHECK(done == number, "done={} of {}", done, number);
}
BENCHMARK(BarrierAction);

void Repetition(benchmark::State& state) {
  World world;
  uint64_t number = 0, done = 0;
  const auto act = [](Transaction&) { return kOutput; };
  const auto count = [&done](Verdict<std::string> said) { done += said.done(); };
  for (uint64_t i = 1; i <= kCallsPerCommit; ++i) {
    world.barrier->ActionThen(RequestOf(i), act, count);
  }
  world.Poll();
  for (auto _ : state) {
    world.barrier->ActionThen(RequestOf(1 + number % kCallsPerCommit), act, count);
    if (++number % kCallsPerCommit == 0) world.Poll();
  }
  world.Poll();
  SKALD_CHECK(done == number + kCallsPerCommit, "done={} of {}", done, number);
}
BENCHMARK(Repetition);

void DecideAlone(benchmark::State& state) {
  const BarrierRequest request = RequestOf(1);
  const BarrierRecord record{
      .action = ActionRecord::kDone, .action_fingerprint = request.fingerprint, .text = kOutput};
  for (auto _ : state) {
    benchmark::DoNotOptimize(Decide(BarrierVerb::kAction, request, record, Incarnation{1}));
  }
}
BENCHMARK(DecideAlone);

}  // namespace
}  // namespace skald

BENCHMARK_MAIN();
