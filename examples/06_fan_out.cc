// 06: once for each item. An order of several lines; each is reserved by itself, at most two at a
// time. When one is sold out, those that were reserved are given back, and the others are left
// alone.

#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

using Lines = std::vector<std::string>;

struct ReserveLine : skald::StepKey<"reserve-line", int> {};  // gives what is left on the shelf
struct Charge : skald::StepKey<"charge", std::string> {};
inline constexpr skald::SagaKey<"order", 1, Lines, std::string> kOrder;

// In real code a database with a barrier (see order_flow). Items of one saga run on many threads.
struct Shelf {
  skald::Mutex mutex;
  std::map<std::string, int> left{{"lamp", 5}, {"rug", 5}, {"vase", 0}};
  std::set<skald::EffectKey> reserved;
};

skald::Definition Order(Shelf& shelf) {
  using skald::ForEach, skald::StepContext, skald::Using, skald::Verdict;
  return skald::Define(kOrder)
      .Step(
          ReserveLine{},
          // Called once; the items are journaled before the first of them runs.
          ForEach([](const Lines& lines) { return lines; }, /*parallelism=*/2),
          [&](const StepContext& step, const Lines&, const std::string& item) -> Verdict<int> {
            const skald::MutexLock lock(shelf.mutex);
            int& left = shelf.left[item];
            if (left == 0) return skald::Rejected("no " + item + " left");
            shelf.reserved.insert(step.idempotency_key());
            return --left;
          },
          // Also called for an item that might have been sent and was not: the key tells.
          [&](const StepContext& step, const Lines&, const std::string& item, const int*) {
            const skald::MutexLock lock(shelf.mutex);
            if (shelf.reserved.erase(step.action_key()) > 0) ++shelf.left[item];
          })
      // Whoever uses the step is given all its outputs, in the order of the items.
      .Pivot(Charge{}, Using(ReserveLine{}),
             [](const StepContext&, const Lines& lines, const std::vector<int>& left) {
               return std::to_string(lines.size()) + " lines, " + std::to_string(left.size()) +
                      " reserved";
             })
      .Returns(Charge{})
      .Build();
}

int main() {
  Shelf shelf;
  skald::MemoryStore store;
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(store, pool, {Order(shelf)});
  if (!coordinator.ok()) return 1;
  const auto place = [&](const std::string& key, const Lines& lines) {
    auto saga = (*coordinator)->Start(kOrder, lines, {.key = key});
    auto outcome = saga.ok() ? saga->Await() : saga.status();
    if (!outcome.ok()) return false;
    const std::string* result = outcome->result();  // none when it was undone
    std::printf("%s: %s\n", key.c_str(), result ? result->c_str() : outcome->reason().c_str());
    return true;
  };
  if (!place("first", {"lamp", "rug", "lamp"}) || !place("second", {"lamp", "vase", "rug"})) {
    return 1;
  }
  std::printf("left: %d lamps, %d rugs\n", shelf.left["lamp"], shelf.left["rug"]);
  return 0;
}
