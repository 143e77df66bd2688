// Steps that end by a completion, whose copies are user code's: it may keep them for longer than
// the attempt, the saga and the coordinator last.

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "skald/async/thread_pool.h"
#include "skald/base/mutex.h"
#include "world.h"

namespace skald_test {
namespace {

using skald::Define;
using skald::SagaState;
using skald::StepContext;
using Completion = skald::StepCompletion<std::string>;

struct Ask : skald::StepKey<"ask", std::string> {};
constexpr skald::SagaKey<"question", 1, std::string, std::string> kQuestion;

struct Asking : World {
  std::vector<Completion> asked;  // in the order of the attempts

  Asking() { Open({Question()}); }
  skald::Definition Question() {
    return Define(kQuestion)
        .NoEffect(Ask{}, [this](const StepContext&, const std::string&,
                                Completion done) { asked.push_back(std::move(done)); })
        .Returns(Ask{})
        .Build();
  }
  skald::SagaHandle<std::string> Begin(const std::string& key) {
    auto saga = coordinator->Start(kQuestion, "in", {.key = key});
    REQUIRE(saga.ok());
    Run();
    return *saga;
  }
  std::vector<std::string> CalledTwice() const {
    std::vector<std::string> told;
    for (size_t i = 0; i < seen.kinds.size(); ++i) {
      if (seen.kinds[i] == "completion-called-twice") told.push_back(seen.messages[i]);
    }
    return told;
  }
};

TEST_CASE("a completion that is kept says nothing for the attempts that come after its own") {
  Asking w;
  std::vector<skald::SagaHandle<std::string>> sagas;
  for (int i = 0; i < 20; ++i) {
    sagas.push_back(w.Begin("k" + std::to_string(i)));
    REQUIRE(w.asked.size() == sagas.size());
    w.asked.back()("answer " + std::to_string(i));
    w.Run();
  }
  sagas.push_back(w.Begin("last"));
  for (int i = 0; i < 20; ++i) w.asked[i]("too late");
  w.Run();
  const std::vector<std::string> told = w.CalledTwice();
  REQUIRE(told.size() == 20);
  for (int i = 0; i < 20; ++i) {
    CHECK(told[i].find("step 'ask' of 'question' (saga " + skald::ToString(sagas[i].id()) + ")") !=
          std::string::npos);
    CHECK(*sagas[i].Await()->result() == "answer " + std::to_string(i));
  }
  CHECK(w.StateOf(sagas.back().id()) == SagaState::kRunning);
  w.asked.back()("the last answer");
  w.Run();
  CHECK(*sagas.back().Await()->result() == "the last answer");
}

TEST_CASE("a copy that is dropped after another one has spoken says nothing") {
  Asking w;
  auto saga = w.Begin("k");
  REQUIRE(w.asked.size() == 1);
  const Completion copy = w.asked.front();
  w.asked.clear();
  w.Run();
  CHECK(w.StateOf(saga.id()) == SagaState::kRunning);
  copy("answer");
  w.Run();
  CHECK(*saga.Await()->result() == "answer");
  CHECK(w.CalledTwice().empty());
}

TEST_CASE("the last copy that is dropped says Unknown, and the step is asked again") {
  Asking w;
  auto saga = w.Begin("k");
  w.asked.clear();
  w.PassUntilQuiet();
  REQUIRE(w.asked.size() == 1);
  w.asked.front()("the second time");
  w.Run();
  CHECK(*saga.Await()->result() == "the second time");
}

TEST_CASE("a completion may be called, copied and dropped when its coordinator is gone") {
  Asking w;
  w.Begin("said before");
  w.Begin("said after");
  w.Begin("dropped after");
  w.asked[0]("answer");
  w.Run();
  const Completion said_before = w.asked[0];
  w.coordinator.reset();
  said_before("again");
  w.asked[1]("nobody hears");
  Completion copy = w.asked[1];
  copy("nor this");
  w.asked.clear();
  CHECK(w.CalledTwice().empty());
}

TEST_CASE("copies of completions are dropped and called by many threads at once") {
  constexpr int kSagas = 300;
  constexpr int kThreads = 3;
  skald::ThreadPool pool({.threads = 2});
  skald::MemoryStore store;
  Seen seen;
  std::atomic<int> first{0};
  skald::CoordinatorOptions options;
  options.observer = &seen;
  // Each attempt's verdict is said by three threads, which are let go as they come.
  std::vector<std::thread> threads;
  skald::Mutex mutex;
  const auto definition =
      Define(kQuestion)
          .NoEffect(Ask{},
                    [&](const StepContext&, const std::string& input, Completion done) {
                      skald::MutexLock lock(mutex);
                      for (int i = 0; i < kThreads; ++i) {
                        threads.emplace_back([&first, done, input] {
                          done(input + "?");
                          first.fetch_add(1);
                        });
                      }
                    })
          .Returns(Ask{})
          .Build();
  {
    auto coordinator = skald::Coordinator::Open(store, pool, {definition}, options);
    REQUIRE(coordinator.ok());
    std::vector<skald::SagaHandle<std::string>> sagas;
    for (int i = 0; i < kSagas; ++i) {
      auto saga = (*coordinator)->Start(kQuestion, std::to_string(i), {.key = std::to_string(i)});
      REQUIRE(saga.ok());
      sagas.push_back(*std::move(saga));
    }
    for (int i = 0; i < kSagas; ++i) {
      auto outcome = sagas[i].Await();
      REQUIRE(outcome.ok());
      CHECK(*outcome->result() == std::to_string(i) + "?");
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(first == kSagas * kThreads);
  CHECK(std::count(seen.kinds.begin(), seen.kinds.end(), "completion-called-twice") ==
        kSagas * (kThreads - 1));
}

}  // namespace
}  // namespace skald_test
