// 01: the smallest saga. Two steps, one input, one result.
//
// A saga is a durable run of a definition. You write the steps as plain functions; skald calls them
// in order, writes down what each one said before it goes on, and after a crash continues where it
// was. This first example keeps its journal in memory; 03 puts it on disk.

#include <cstdio>
#include <string>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

// A step has a name, which is written to the journal, and a type for what it gives.
struct MakeGreeting : skald::StepKey<"make-greeting", std::string> {};
struct Deliver : skald::StepKey<"deliver"> {};

// A saga has a name, a version, and types for its input and its result.
inline constexpr skald::SagaKey<"hello", 1, std::string, std::string> kHello;

skald::Definition Hello() {
  return skald::Define(kHello)
      // Computes something and touches nothing: there is nothing to undo.
      .NoEffect(MakeGreeting{}, [](const skald::StepContext&,
                                   const std::string& name) { return "Hello, " + name + "!"; })
      // The point of no return. Using() hands it what an earlier step gave.
      .Pivot(Deliver{}, skald::Using(MakeGreeting{}),
             [](const skald::StepContext&, const std::string&, const std::string& greeting) {
               std::printf("step 'deliver' says: %s\n", greeting.c_str());
             })
      .Returns(MakeGreeting{})
      .Build();
}

int main() {
  skald::MemoryStore store;
  skald::ThreadPool pool;  // steps run here
  auto coordinator = skald::Coordinator::Open(store, pool, {Hello()});
  if (!coordinator.ok()) {
    std::printf("cannot open: %s\n", coordinator.status().ToString().c_str());
    return 1;
  }

  auto saga = (*coordinator)->Start(kHello, "world", {.key = "greeting-1"});
  if (!saga.ok()) {
    std::printf("cannot start: %s\n", saga.status().ToString().c_str());
    return 1;
  }
  // From here on the saga exists: even if this process died, it would be carried through.

  auto outcome = saga->Await();
  if (!outcome.ok() || !outcome->completed()) return 1;
  std::printf("the saga gave: %s\n", outcome->result()->c_str());
  return 0;
}
