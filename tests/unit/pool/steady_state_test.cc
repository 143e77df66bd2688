#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/pool/object_pool.h"

// Counts the allocations of each thread: by the global operator new, or, where a sanitizer has
// replaced that, by its hook.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SKALD_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SKALD_TEST_SANITIZED 1
#endif
#endif

namespace {

thread_local uint64_t allocations = 0;

}  // namespace

#if defined(SKALD_TEST_SANITIZED)
// Of the sanitizers' common interface; gcc 12 does not ship its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             size_t),
                                                         void (*free_hook)(const volatile void*));

namespace {

void OnMalloc(const volatile void*, size_t) {
  ++allocations;
}
void OnFree(const volatile void*) {}
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(OnMalloc, OnFree);

}  // namespace
#else
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace {

struct Order {
  std::string id;
  std::vector<std::string> lines;
};
struct ResetOrder {
  bool operator()(Order& order) const noexcept {
    order.id.clear();
    for (std::string& line : order.lines) line.clear();
    return true;
  }
};

void Fill(Order& order) {
  order.id = "an identifier too long for the short form";
  order.lines.resize(3);
  for (std::string& line : order.lines) line = "a line of an order, also longer than that";
}

TEST_CASE("In steady state acquire, fill and return allocate nothing") {
  skald::ObjectPool<Order, ResetOrder> pool;
  const auto use = [&] {
    std::vector<skald::Pooled<Order>> held;
    held.reserve(10);
    const uint64_t before = allocations;
    for (int i = 0; i < 1'000; ++i) {
      auto order = pool.Acquire();
      Fill(**order);
      held.push_back(*std::move(order));
      if (held.size() == 10) held.clear();
    }
    return allocations - before;
  };
  CHECK(use() > 0);  // the pool and the buffers grow, and the counter counts
  CHECK(use() == 0);
}

TEST_CASE("What circles between two threads allocates nothing once it has grown") {
  skald::ObjectPool<Order, ResetOrder> pool;
  std::vector<skald::Pooled<Order>> on_the_way;
  on_the_way.reserve(64);
  std::atomic<int> turn{0};
  uint64_t given_back = 0;
  std::thread other([&] {
    for (int round = 0; round < 100; ++round) {
      for (int seen; (seen = turn.load()) != 2 * round + 1;) turn.wait(seen);
      const uint64_t before = allocations;
      on_the_way.clear();
      given_back += allocations - before;
      turn = 2 * round + 2;
      turn.notify_all();
    }
  });
  uint64_t taken_late = 0;
  for (int round = 0; round < 100; ++round) {
    const uint64_t before = allocations;
    for (int i = 0; i < 64; ++i) {
      on_the_way.push_back(*pool.Acquire());
      Fill(*on_the_way.back());
    }
    if (round >= 50) taken_late += allocations - before;
    turn = 2 * round + 1;
    turn.notify_all();
    for (int seen; (seen = turn.load()) != 2 * round + 2;) turn.wait(seen);
  }
  other.join();
  CHECK(given_back == 0);
  CHECK(taken_late == 0);
}

}  // namespace
