// 04: asking twice. A client that got no answer asks again; the order must not be placed twice.
//
// A saga is started under a business key. The same key with the same input is the same saga,
// whenever it is asked for: while it runs, after it ended, after a restart. The same key with
// another input is a mistake, and is refused with what differs.

#include <cstdio>
#include <string>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

struct Charge : skald::StepKey<"charge", int> {};  // gives the receipt's number

inline constexpr skald::SagaKey<"order", 1, std::string, int> kOrder;

skald::Definition PlaceOrder(int& charges) {
  return skald::Define(kOrder)
      .Pivot(Charge{},
             [&charges](const skald::StepContext& step, const std::string& what) {
               // Send idempotency_key() along with every effect: it is the same on each attempt.
               std::printf("  charging for %s, saga of key %s\n", what.c_str(),
                           std::string(step.key()).c_str());
               return ++charges;
             })
      .Returns(Charge{})
      .Build();
}

void Ask(skald::Coordinator& coordinator, const std::string& key, const std::string& what) {
  std::printf("order %s: %s\n", key.c_str(), what.c_str());
  auto saga = coordinator.Start(kOrder, what, {.key = key});
  if (!saga.ok()) {
    const bool mistake = absl::IsAlreadyExists(saga.status());
    std::printf("  refused: %s\n",
                mistake ? "the key stands for another order" : saga.status().ToString().c_str());
    return;
  }
  auto outcome = saga->Await();
  if (!outcome.ok() || !outcome->completed()) return;
  std::printf("  receipt %d%s\n", *outcome->result(), saga->existed() ? ", as before" : "");
}

int main() {
  int charges = 0;
  skald::MemoryStore store;
  for (const char* process : {"first", "second"}) {
    std::printf("%s coordinator\n", process);
    skald::ThreadPool pool;
    auto coordinator = skald::Coordinator::Open(store, pool, {PlaceOrder(charges)});
    if (!coordinator.ok()) return 1;
    Ask(**coordinator, "A-1", "a lamp");
    Ask(**coordinator, "A-1", "a lamp");     // the client asks again
    Ask(**coordinator, "A-1", "two lamps");  // the client is confused
    if (!(*coordinator)->Shutdown(absl::Seconds(10)).ok()) return 1;
  }
  std::printf("charged %d time%s\n", charges, charges == 1 ? "" : "s");
  return charges == 1 ? 0 : 1;
}
