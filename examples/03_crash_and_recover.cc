// 03: a crash. The first process dies in the middle of a saga; the second one finishes it.
//
// The journal is on disk now. This program starts itself as a child, which places an order and is
// gone in the middle of the second step, as by a power cut. Then the parent opens the same store.
// It starts nothing: opening is enough, the saga goes on by itself.
//
// Look at the attempts: step one is not run again, its verdict was durable. Step two had begun and
// its answer was never seen, so it may have happened; it is sent again, under the same key. That is
// why a step's effect must be idempotent by that key, and what Barrier is for (see order_flow).

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/saga/define.h"

struct Pack : skald::StepKey<"pack"> {};
struct Post : skald::StepKey<"post", std::string> {};
struct Notify : skald::StepKey<"notify"> {};

inline constexpr skald::SagaKey<"parcel", 1, std::string, std::string> kParcel;

skald::Definition Parcel(bool dies) {
  using skald::StepContext;
  return skald::Define(kParcel)
      .Step(
          Pack{},
          [](const StepContext&, const std::string& what) {
            std::printf("  pack %s\n", what.c_str());
          },
          [](const StepContext&, const std::string&, const skald::Nothing*) {})
      .Pivot(Post{},
             [dies](const StepContext& step, const std::string& what) {
               std::printf("  post %s%s\n", what.c_str(),
                           step.may_be_repeated() ? " (perhaps again)" : "");
               std::fflush(stdout);
               if (dies) _exit(9);  // no destructor runs, nothing is flushed: a crash
               return "tracking number of " + what;
             })
      .Retriable(Notify{},
                 [](const StepContext&, const std::string& what) {
                   std::printf("  notify who waits for %s\n", what.c_str());
                 })
      .Returns(Post{})
      .Build();
}

// Opens the store and places the order, or only waits for the one that was placed.
int Work(const std::string& directory, bool dies) {
  auto store = skald::OpenRocksDbStore(directory);
  if (!store.ok()) {
    std::printf("cannot open the store: %s\n", store.status().ToString().c_str());
    return 1;
  }
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(**store, pool, {Parcel(dies)});
  if (!coordinator.ok()) return 1;

  auto saga = dies ? (*coordinator)->Start(kParcel, "a lamp", {.key = "parcel-1"})
                   : (*coordinator)->Find(kParcel, "parcel-1");
  if (!saga.ok()) {
    std::printf("no such saga: %s\n", saga.status().ToString().c_str());
    return 1;
  }
  auto outcome = saga->Await();
  if (!outcome.ok() || !outcome->completed()) return 1;
  std::printf("done: %s\n", outcome->result()->c_str());
  return 0;
}

int Demonstrate(const std::string& directory) {
  std::printf("first process: starts the saga\n");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) _exit(Work(directory, /*dies=*/true));
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 9) return 1;
  std::printf("first process: dead\n");
  std::printf("second process: opens the same store\n");
  return Work(directory, /*dies=*/false);
}

int main() {
  std::string directory = (std::filesystem::temp_directory_path() / "skald_03_XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return 1;
  const int code = Demonstrate(directory + "/store");
  std::filesystem::remove_all(directory);
  return code;
}
