// What a coordinator waits for when it is stopped.
#include <atomic>
#include <string>
#include <thread>

#include "catch.h"
#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

struct Ask : skald::StepKey<"ask", std::string> {};
inline constexpr skald::SagaKey<"question", 1, std::string, std::string> kQuestion;

// Hears that the committer has stopped for as long as the test wants.
class HeldObserver final : public skald::Observer {
 public:
  void OnNotice(const skald::Notice& notice) override {
    if (notice.kind != "committer-stopped") return;
    skald::MutexLock lock(mutex_);
    told_ = true;
    while (!let_go_) changed_.Wait(mutex_);
  }
  bool told() {
    skald::MutexLock lock(mutex_);
    return told_;
  }
  void LetGo() {
    skald::MutexLock lock(mutex_);
    let_go_ = true;
    changed_.NotifyAll();
  }

 private:
  skald::Mutex mutex_;
  skald::CondVar changed_;
  bool told_ = false;
  bool let_go_ = false;
};

TEST_CASE("a coordinator whose committer has failed waits for all that it still tells") {
  skald::MemoryStore store;
  skald::ThreadPool pool({.threads = 1});
  HeldObserver observer;
  skald::CoordinatorOptions options;
  options.observer = &observer;
  options.shards = 2;
  auto open = skald::Coordinator::Open(
      store, pool,
      {skald::Define(kQuestion)
           .NoEffect(Ask{},
                     [](const skald::StepContext&, const std::string& in) { return in + "?"; })
           .Returns(Ask{})
           .Build()},
      options);
  REQUIRE(open.ok());
  REQUIRE(store.Acquire(options.writer).ok());  // another takes its name over
  constexpr int kSagas = 20;
  std::atomic<int> answered{0};
  const auto start = [&](int i) {
    (*open)->StartThen(kQuestion, "in", {.key = std::to_string(i)},
                       [&answered](const auto& saga) { answered += saga.ok() ? 0 : 1; });
  };
  start(0);
  while (!observer.told()) std::this_thread::yield();
  // Those of the other shard are refused: the coordinator knows now that it has failed, and does
  // not wait for the first one's answer.
  for (int i = 1; i < kSagas; ++i) start(i);
  while (answered == 0) std::this_thread::yield();

  std::atomic<bool> stopped{false};
  std::thread stopping([&] {
    skald::IgnoreError((*open)->Shutdown(absl::ZeroDuration()), "it has failed");
    stopped = true;
  });
  {
    skald::Mutex mutex;
    skald::CondVar nothing;  // is ever signalled
    skald::MutexLock lock(mutex);
    nothing.WaitFor(mutex, absl::Milliseconds(1500));
  }
  CHECK(!stopped);
  observer.LetGo();
  stopping.join();
  open->reset();
  CHECK(answered == kSagas);
}

}  // namespace
}  // namespace skald_test
