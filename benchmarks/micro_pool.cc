// What an object pool saves, part by part. An order with its buffers is made anew, or taken from a
// pool and given back. Claim 12 itself is measured by pool_orders.cc, in processor time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "pool_order.h"
#include "skald/base/check.h"
#include "skald/pool/object_pool.h"

namespace {

using skald::bench::Fill;
using Order = skald::bench::PooledOrder;

void Fresh(benchmark::State& state) {
  for (auto _ : state) {
    const auto order = std::make_unique<Order>();
    Fill(*order);
  }
}

skald::ObjectPool<Order>& SharedPool() {
  static skald::ObjectPool<Order> pool({.capacity = 4'096});
  return pool;
}

// The pool's own part, the object's buffers in place.
void AcquireAndRelease(benchmark::State& state) {
  skald::ObjectPool<Order>& pool = SharedPool();
  for (auto _ : state) {
    auto order = pool.Acquire();
    SKALD_CHECK(order.ok());
    benchmark::DoNotOptimize((*order)->encoded.data());
  }
}

void AcquireFillAndRelease(benchmark::State& state) {
  skald::ObjectPool<Order>& pool = SharedPool();
  for (auto _ : state) {
    auto order = pool.Acquire();
    SKALD_CHECK(order.ok());
    Fill(**order);
  }
}

void TryAcquireAndRelease(benchmark::State& state) {
  skald::ObjectPool<Order>& pool = SharedPool();
  {
    const auto one = pool.Acquire();
  }
  for (auto _ : state) {
    skald::Pooled<Order> order = pool.TryAcquire();
    benchmark::DoNotOptimize(order.get());
  }
}

// Thirty-two at a time: more than a cache holds, so half of them come from the surplus.
void AcquireManyAndRelease(benchmark::State& state) {
  skald::ObjectPool<Order>& pool = SharedPool();
  std::vector<skald::Pooled<Order>> held;
  held.reserve(32);
  for (auto _ : state) {
    for (int i = 0; i < 32; ++i) held.push_back(*pool.Acquire());
    held.clear();
  }
  state.SetItemsProcessed(state.iterations() * 32);
}

const int kThreads = static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));

BENCHMARK(Fresh)->ThreadRange(1, kThreads)->UseRealTime();
BENCHMARK(AcquireAndRelease)->ThreadRange(1, kThreads)->UseRealTime();
BENCHMARK(AcquireFillAndRelease)->ThreadRange(1, kThreads)->UseRealTime();
BENCHMARK(TryAcquireAndRelease)->ThreadRange(1, kThreads)->UseRealTime();
BENCHMARK(AcquireManyAndRelease)->ThreadRange(1, kThreads)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
