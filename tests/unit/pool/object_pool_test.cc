#include "skald/pool/object_pool.h"

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"

namespace {

using skald::ObjectPool;
using skald::Pooled;
using skald::PoolStats;

// Counts its instances.
struct Order {
  static inline std::atomic<int> alive{0};
  Order() { ++alive; }
  Order(const Order&) = delete;
  ~Order() { --alive; }
  std::vector<int> lines;
  std::string note;
};

struct ResetOrder {
  bool operator()(Order& order) const noexcept {
    order.lines.clear();
    order.note.clear();
    return order.lines.capacity() <= 100;
  }
};
using OrderPool = ObjectPool<Order, ResetOrder>;

struct Collect final : skald::Observer {
  void OnNotice(const skald::Notice& notice) override {
    kinds.emplace(notice.kind);
    subjects.emplace_back(notice.subject);
  }
  std::set<std::string> kinds;
  std::vector<std::string> subjects;
};

TEST_CASE("An object comes back reset, with the buffers that it had grown") {
  OrderPool pool;
  const int* buffer = nullptr;
  {
    auto order = pool.Acquire();
    REQUIRE(order.ok());
    (*order)->lines.assign(50, 7);
    (*order)->note = "gift";
    buffer = (*order)->lines.data();
  }
  auto again = pool.Acquire();
  CHECK((*again)->lines.empty());
  CHECK((*again)->note.empty());
  CHECK((*again)->lines.capacity() == 50);
  (*again)->lines.resize(1);
  CHECK((*again)->lines.data() == buffer);
}

TEST_CASE("An object that the reset function refuses is destroyed") {
  OrderPool pool;
  {
    (*pool.Acquire())->lines.reserve(101);
  }
  CHECK(Order::alive == 0);
  CHECK(pool.stats().dropped == 1);
  CHECK(pool.stats().idle == 0);
  {
    (*pool.Acquire())->lines.reserve(100);
  }
  CHECK(Order::alive == 1);
  CHECK(pool.stats().idle == 1);
}

TEST_CASE("A pool holds its bound exactly, and works on when something comes back") {
  OrderPool pool({.capacity = 40});
  std::vector<Pooled<Order>> taken;
  for (int i = 0; i < 40; ++i) {
    auto order = pool.Acquire();
    REQUIRE(order.ok());
    taken.push_back(*std::move(order));
  }
  CHECK(pool.Acquire().status().code() == absl::StatusCode::kResourceExhausted);
  CHECK(pool.stats().exhausted == 1);
  CHECK(Order::alive == 40);
  taken.pop_back();
  CHECK(pool.Acquire().ok());
  taken.clear();
  for (int i = 0; i < 40; ++i) {
    auto order = pool.Acquire();
    REQUIRE(order.ok());
    taken.push_back(*std::move(order));
  }
  CHECK(pool.stats().created == 40);
}

TEST_CASE("A pool of capacity zero refuses everything") {
  OrderPool pool({.capacity = 0});
  CHECK(pool.Acquire().status().code() == absl::StatusCode::kResourceExhausted);
  CHECK_FALSE(pool.TryAcquire());
}

TEST_CASE("TryAcquire gives only what is idle") {
  OrderPool pool;
  CHECK_FALSE(pool.TryAcquire());
  {
    auto order = pool.Acquire();
  }
  Pooled<Order> order = pool.TryAcquire();
  CHECK(order);
  CHECK_FALSE(pool.TryAcquire());
  CHECK(pool.stats().created == 1);
}

TEST_CASE("Objects that another thread gave back are found when the bound is reached") {
  OrderPool pool({.capacity = 3});
  std::thread([&] {
    std::vector<Pooled<Order>> taken;
    for (int i = 0; i < 3; ++i) taken.push_back(*pool.Acquire());
  }).join();
  CHECK(pool.stats().idle == 3);
  auto order = pool.Acquire();
  CHECK(order.ok());
  CHECK(pool.TryAcquire());
  CHECK(pool.stats().created == 3);
  CHECK(pool.stats().steals == 2);
}

TEST_CASE("What one thread takes and another gives back goes round without new objects") {
  OrderPool pool({.capacity = 1'000});
  // One hundred a round: much more than a thread's cache holds.
  for (int round = 0; round < 50; ++round) {
    std::vector<Pooled<Order>> taken;
    for (int i = 0; i < 100; ++i) taken.push_back(*pool.Acquire());
    std::thread([&] { taken.clear(); }).join();
  }
  const PoolStats stats = pool.stats();
  CHECK(stats.in_use == 0);
  CHECK(stats.refills > 0);
  // Sixteen may stay in the cache of each of the threads that gave back; there are at most 64
  // caches.
  CHECK(stats.created <= 100 + 64 * 16);
  CHECK(Order::alive == static_cast<int>(stats.created));
}

TEST_CASE("The statistics say what is in use and what the cache gave") {
  OrderPool pool({.capacity = 8});
  auto first = pool.Acquire();
  {
    auto second = pool.Acquire();
  }
  auto third = pool.Acquire();
  const PoolStats stats = pool.stats();
  CHECK(stats.capacity == 8);
  CHECK(stats.in_use == 2);
  CHECK(stats.idle == 0);
  CHECK(stats.created == 2);
  CHECK(stats.cache_hits == 1);
  CHECK(stats.exhausted == 0);
}

TEST_CASE("A handle moves, and gives back only once") {
  OrderPool pool;
  Pooled<Order> a = *pool.Acquire();
  Order* const object = a.get();
  Pooled<Order> b = std::move(a);
  CHECK(b.get() == object);
  b = *pool.Acquire();
  CHECK(pool.stats().idle == 1);
  b.Return();
  CHECK_FALSE(b);
  b.Return();
  CHECK(pool.stats().idle == 2);
  CHECK(pool.stats().in_use == 0);
}

TEST_CASE("The end of the pool destroys what is idle, also beyond the caches") {
  {
    OrderPool pool;
    std::vector<Pooled<Order>> taken;
    for (int i = 0; i < 100; ++i) taken.push_back(*pool.Acquire());
    taken.clear();
    CHECK(pool.stats().idle == 100);
  }
  CHECK(Order::alive == 0);
}

TEST_CASE("A handle may outlive its pool: the object stays valid and goes with it") {
  Collect observer;
  Pooled<Order> survivor;
  {
    OrderPool pool({.observer = &observer});
    survivor = *pool.Acquire();
    auto idle = pool.Acquire();
  }
  CHECK(Order::alive == 1);
  survivor->lines.push_back(1);
  survivor.Return();
  CHECK(Order::alive == 0);
}

TEST_CASE("A pool tells where the handles that outlive it were taken") {
  Collect observer;
  Pooled<Order> survivor;
  int line = 0;
  {
    OrderPool pool({.observer = &observer});
    {
      auto ended = pool.Acquire();
    }
    survivor = *pool.Acquire(), line = __LINE__;
  }
  REQUIRE(observer.subjects.size() == 1);
  CHECK(observer.kinds == std::set<std::string>{"pool-handle-out"});
  const std::string place = "object_pool_test.cc:" + std::to_string(line);
  CHECK(observer.subjects[0].find(place) != std::string::npos);
}

TEST_CASE("A pool whose handles have all ended reports nothing") {
  Collect observer;
  {
    OrderPool pool({.observer = &observer});
    {
      auto order = pool.Acquire();
    }
  }
  CHECK(observer.subjects.empty());
}

TEST_CASE("Handles that end while the pool is destroyed neither leak nor come too late") {
  Collect observer;
  for (int round = 0; round < 300; ++round) {
    auto pool = std::make_unique<OrderPool>(skald::ObjectPoolOptions<Order>{.observer = &observer});
    std::vector<Pooled<Order>> mine;
    for (int i = 0; i < 60; ++i) mine.push_back(*pool->Acquire());
    std::vector<Pooled<Order>> theirs;
    for (int i = 0; i < 30; ++i) theirs.push_back(std::move(mine[static_cast<size_t>(i)]));
    std::thread other([&] { theirs.clear(); });
    pool.reset();
    mine.clear();
    other.join();
    REQUIRE(Order::alive == 0);
  }
}

TEST_CASE("No object is ever in two hands") {
  struct Owned {
    std::atomic<int> owners{0};
    void Reset() noexcept {}
  };
  ObjectPool<Owned> pool({.capacity = 24});
  std::atomic<int> shared{0};
  std::atomic<uint64_t> got{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Pooled<Owned>> held;
      for (unsigned i = 0; i < 20'000; ++i) {
        Pooled<Owned> one;
        if (i % 3 == t % 3) {
          one = pool.TryAcquire();
        } else if (auto acquired = pool.Acquire(); acquired.ok()) {
          one = *std::move(acquired);
        }
        if (one) {
          shared += one->owners.fetch_add(1) != 0;
          ++got;
          held.push_back(std::move(one));
        }
        if (held.size() > 3 * t || i % 7 == 0) {
          for (auto& handle : held) handle->owners.fetch_sub(1);
          held.clear();
        }
      }
      for (auto& handle : held) handle->owners.fetch_sub(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(shared == 0);
  CHECK(got > 0);
  CHECK(pool.stats().in_use == 0);
  CHECK(pool.stats().created <= 24);
  CHECK(pool.stats().idle == pool.stats().created);
}

TEST_CASE("A constructor that throws becomes a status and takes no room") {
  struct Moody {
    explicit Moody(bool fails) {
      if (fails) throw std::runtime_error("not today");
    }
    void Reset() {}
  };
  auto fails = std::make_shared<bool>(true);
  ObjectPool<Moody> pool({.capacity = 1, .create = [fails] { return Moody(*fails); }});
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = pool.Acquire().status();
    CHECK(status.code() == absl::StatusCode::kInternal);
    CHECK(std::string(status.message()) == "making an object for a pool: not today");
  }
  *fails = false;
  CHECK(pool.Acquire().ok());
}

TEST_CASE("Types with Reset, Clear or clear need no reset function") {
  struct HasReset {
    bool Reset() { return false; }
  };
  struct HasClear {
    void Clear() { cleared = true; }
    bool cleared = false;
  };
  ObjectPool<HasReset> drops;
  {
    auto object = drops.Acquire();
  }
  CHECK(drops.stats().dropped == 1);
  ObjectPool<HasClear> keeps;
  {
    auto object = keeps.Acquire();
  }
  CHECK((*keeps.Acquire())->cleared);
  ObjectPool<std::string> strings;
  {
    **strings.Acquire() = "text";
  }
  CHECK((*strings.Acquire())->empty());
}

}  // namespace
