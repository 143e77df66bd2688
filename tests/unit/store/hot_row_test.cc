// One hot item: 64 threads, stock for 1,000, 10,000 orders.
#include <atomic>
#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::Durable;
using testing::RowUnit;

constexpr int kThreads = 64;
constexpr int kOrders = 10'000;
constexpr int kStock = 1'000;
constexpr std::string_view kItem = "stock/85123A";

std::string OrderKey(int order) {
  return "order/" + std::to_string(order);
}

int StockIn(const std::optional<std::string>& value) {
  return std::stoi(value.value_or("0"));
}

std::unique_ptr<Committer> OpenWithStock(Store& store, int stock) {
  auto open = Committer::Open(store);
  REQUIRE(open.ok());
  Transaction tx = (*open)->Begin();
  tx.Put(kItem, std::to_string(stock));
  REQUIRE(std::move(tx).Commit().ok());
  return *std::move(open);
}

int CountOrders(Store& store) {
  int count = 0;
  const auto cursor = store.Scan(Space::kRows, {.from = "order/", .to = "order0"});
  REQUIRE(cursor.ok());
  for (; (*cursor)->Valid(); (*cursor)->Next()) ++count;
  return count;
}

// RETURNS: whether a piece was reserved. Begins again until nobody was faster.
bool Reserve(Committer& committer, int order) {
  for (;;) {
    Transaction tx = committer.Begin();
    const auto stock = tx.Get(kItem);
    if (!stock.ok()) {
      if (stock.status().code() == absl::StatusCode::kAborted) continue;
      return false;
    }
    const int left = StockIn(*stock);
    if (left == 0) return false;
    tx.Put(kItem, std::to_string(left - 1));
    tx.Put(OrderKey(order), "1");
    const absl::Status status = std::move(tx).Commit();
    if (status.ok()) return true;
    if (status.code() != absl::StatusCode::kAborted) return false;
  }
}

// The same, but what was read is not required at commit.
bool ReserveWithoutRequire(Committer& committer, int order,
                           const std::function<void()>& have_read) {
  const auto stock = committer.Get(kItem);
  if (!stock.ok() || !stock->has_value()) return false;
  const int left = StockIn((*stock)->value);
  have_read();
  if (left == 0) return false;
  Unit unit = RowUnit(kItem, std::to_string(left - 1));
  unit.Put(Space::kRows, OrderKey(order), "1");
  return committer.Enqueue(std::move(unit), nullptr).ok();
}

TEST_CASE("Of 10,000 orders for an item of stock 1,000 exactly 1,000 get it") {
  MemoryStore store;
  const auto committer = OpenWithStock(store, kStock);
  std::atomic<int> next_order = 0;
  std::atomic<int> reserved = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int order = next_order++; order < kOrders; order = next_order++) {
          if (Reserve(*committer, order)) ++reserved;
        }
      });
    }
  }
  CHECK(next_order >= kOrders);
  CHECK(reserved == kStock);
  CHECK(Durable(store, kItem) == "0");
  CHECK(CountOrders(store) == kStock);
}

TEST_CASE("Without requirements the same item is sold more often than it exists") {
  // All threads read before any of them writes: the interleaving that requirements refuse.
  MemoryStore store;
  const auto committer = OpenWithStock(store, 1);
  std::atomic<int> reserved = 0;
  std::barrier all_have_read(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        if (ReserveWithoutRequire(*committer, t, [&] { all_have_read.arrive_and_wait(); })) {
          ++reserved;
        }
      });
    }
  }
  REQUIRE(committer->Shutdown(absl::InfiniteDuration()).ok());
  CHECK(reserved == kThreads);
  CHECK(CountOrders(store) == kThreads);
}

TEST_CASE("With requirements that interleaving sells the last piece once") {
  MemoryStore store;
  const auto committer = OpenWithStock(store, 1);
  std::atomic<int> reserved = 0;
  std::atomic<int> refused = 0;
  std::barrier all_have_read(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Transaction tx = committer->Begin();
        const auto stock = tx.Get(kItem);
        all_have_read.arrive_and_wait();
        tx.Put(kItem, std::to_string(StockIn(*stock) - 1));
        tx.Put(OrderKey(t), "1");
        const absl::Status status = std::move(tx).Commit();
        if (status.ok()) ++reserved;
        if (status.code() == absl::StatusCode::kAborted) ++refused;
      });
    }
  }
  CHECK(reserved == 1);
  CHECK(refused == kThreads - 1);
  CHECK(CountOrders(store) == 1);
  CHECK(Durable(store, kItem) == "0");
}

}  // namespace
}  // namespace skald
