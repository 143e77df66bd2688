// What an object pool saves: claim 12. An order with its buffers is made anew, or taken from a pool
// and given back. The ratio of pool to fresh is the claim; the threads show how it scales.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "skald/base/check.h"
#include "skald/pool/object_pool.h"

namespace {

struct Line {
  std::string item;
  std::string description;
  int64_t quantity = 0;
  int64_t price_mills = 0;
};

// As examples/order_flow has it: an order of eight lines, texts of the Online Retail data's
// lengths.
struct Order {
  std::string id;
  std::string customer;
  std::vector<Line> lines;
  size_t used = 0;  // lines beyond it are kept for their buffers
  std::string encoded;

  Line& NextLine() {
    if (used == lines.size()) lines.emplace_back();
    return lines[used++];
  }
  bool Reset() noexcept {
    id.clear();
    customer.clear();
    used = 0;
    encoded.clear();
    return encoded.capacity() <= 4'096 && lines.capacity() <= 256;
  }
};

constexpr int kLines = 8;
constexpr std::string_view kDescription = "WHITE HANGING HEART T-LIGHT HOLDER";

void Fill(Order& order) {
  order.id = "order-536365-2010-12-01";
  order.customer = "customer-17850-united-kingdom";
  for (int i = 0; i < kLines; ++i) {
    Line& line = order.NextLine();
    line.item = "85123A";
    line.description = kDescription;
    line.quantity = i;
    line.price_mills = 2'550;
  }
  order.encoded.resize(200);
  benchmark::DoNotOptimize(order.encoded.data());
}

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

// The claim: acquire and release, the object's buffers in place. Filling is measured apart, since
// it is the same bytes either way.
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
