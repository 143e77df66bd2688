// What it costs to hand work to another thread, to await a task, and to start one.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

#include "skald/async/completion.h"
#include "skald/async/manual_executor.h"
#include "skald/async/start_task.h"
#include "skald/async/task.h"
#include "skald/async/thread_pool.h"
#include "skald/base/check.h"

namespace {

using skald::Task;
using skald::TaskResult;

// One thread submits bursts of empty work, as a shard's loop does after a commit, and waits for
// their end. range(0): the burst; range(1): threads of the pool.
void SubmitBurst(benchmark::State& state) {
  std::atomic<int64_t> left{0};
  skald::ThreadPool pool({.threads = static_cast<size_t>(state.range(1))});
  for (auto _ : state) {
    left = state.range(0);
    for (int64_t i = 0; i < state.range(0); ++i) {
      SKALD_CHECK(pool.Execute([&left] {
                        if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) left.notify_one();
                      })
                      .ok());
    }
    for (int64_t seen; (seen = left.load(std::memory_order_acquire)) != 0;) left.wait(seen);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// A submitter that never waits, as far as the queue's bound lets it: the throughput.
void SubmitStream(benchmark::State& state) {
  std::atomic<int64_t> ran{0};
  {
    skald::ThreadPool pool({.threads = static_cast<size_t>(state.range(0))});
    for (auto _ : state) {
      while (!pool.Execute([&ran] { ran.fetch_add(1, std::memory_order_relaxed); }).ok()) {
        std::this_thread::yield();
      }
    }
  }
  SKALD_CHECK(ran == state.iterations(), "ran={}", ran.load());
  state.SetItemsProcessed(state.iterations());
}

void SubmitToManualExecutor(benchmark::State& state) {
  skald::ManualExecutor executor;
  int64_t ran = 0;
  for (auto _ : state) {
    SKALD_CHECK(executor.Execute([&ran] { ++ran; }).ok());
    executor.RunOne();
  }
  SKALD_CHECK(ran == state.iterations(), "ran={}", ran);
}

Task<int64_t> Give(int64_t value) {
  co_return value;
}

void AwaitTask(benchmark::State& state) {
  const auto loop = [](benchmark::State* s) -> Task<int64_t> {
    int64_t sum = 0;
    for (auto _ : *s) sum += co_await Give(1);
    co_return sum;
  };
  benchmark::DoNotOptimize(skald::SyncWait(loop(&state)));
}

void AwaitCompletionAtOnce(benchmark::State& state) {
  const auto loop = [](benchmark::State* s) -> Task<int64_t> {
    int64_t sum = 0;
    for (auto _ : *s) {
      auto answer = co_await skald::AwaitCompletion<int64_t>(
          [](skald::Completion<int64_t> done) { done(1); });
      sum += *answer;
    }
    co_return sum;
  };
  benchmark::DoNotOptimize(skald::SyncWait(loop(&state)));
}

void StartTaskWithCallback(benchmark::State& state) {
  int64_t sum = 0;
  for (auto _ : state) {
    skald::StartTask(Give(1), [&sum](TaskResult<int64_t> result) { sum += result.value(); });
  }
  SKALD_CHECK(sum == state.iterations(), "sum={}", sum);
}

BENCHMARK(SubmitBurst)
    ->Args({1, 2})
    ->Args({16, 2})
    ->Args({256, 2})
    ->Args({256, 8})
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(SubmitStream)->Arg(1)->Arg(2)->Arg(8)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(SubmitToManualExecutor);
BENCHMARK(AwaitTask);
BENCHMARK(AwaitCompletionAtOnce);
BENCHMARK(StartTaskWithCallback);

}  // namespace

BENCHMARK_MAIN();
