// 08: steps that wait without a thread. The same step three ways: as a coroutine, by a completion,
// and as a plain function that may block.
//
// A coroutine awaits; what it awaits here is a client with callbacks. The context's deadline and
// stop token tell it how long somebody still waits for its answer.

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "skald/async/completion.h"
#include "skald/async/task.h"
#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

struct AskOne : skald::StepKey<"ask-one", std::string> {};
struct AskTwo : skald::StepKey<"ask-two", std::string> {};
struct AskThree : skald::StepKey<"ask-three", std::string> {};
struct Join : skald::StepKey<"join", std::string> {};
inline constexpr skald::SagaKey<"ask", 1, std::string, std::string> kAsk;

// A client as there are many: the answer comes later, on a thread of the client's.
class Client {
 public:
  void Ask(std::string question, std::function<void(std::string)> answer) {
    const absl::Status sent =
        threads_.Execute([question = std::move(question), answer = std::move(answer)] {
          answer("yes to " + question);
        });
    if (!sent.ok()) std::printf("not sent: %s\n", sent.ToString().c_str());
  }

 private:
  skald::ThreadPool threads_;
};

skald::Definition Asking(Client& client) {
  using skald::StepContext, skald::Task, skald::Using;
  return skald::Define(kAsk)
      .NoEffect(AskOne{},
                // The coordinator keeps context and input alive until the frame is gone.
                // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
                [&](const StepContext&, const std::string& topic) -> Task<std::string> {
                  // The first co_await gives the thread back until the client has answered.
                  absl::StatusOr<std::string> answer = co_await skald::AwaitCompletion<std::string>(
                      [&](skald::Completion<std::string> done) {
                        auto shared =
                            std::make_shared<skald::Completion<std::string>>(std::move(done));
                        client.Ask(topic + " one",
                                   [shared](std::string text) { (*shared)(std::move(text)); });
                      });
                  co_return answer.ok() ? *answer : "no answer";
                })
      .NoEffect(AskTwo{},
                [&](const StepContext&, const std::string& topic,
                    skald::StepCompletion<std::string> done) {
                  client.Ask(topic + " two", [done](std::string text) { done(text); });
                })
      .NoEffect(AskThree{}, [](const StepContext&,
                               const std::string& topic) { return "yes to " + topic + " three"; })
      .NoEffect(
          Join{}, Using(AskOne{}, AskTwo{}, AskThree{}),
          [](const StepContext&, const std::string&, const std::string& one, const std::string& two,
             const std::string& three) { return one + ", " + two + ", " + three; })
      .Returns(Join{})
      .Build();
}

int main() {
  Client client;
  skald::MemoryStore store;
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(store, pool, {Asking(client)});
  if (!coordinator.ok()) return 1;
  auto saga = (*coordinator)->Start(kAsk, "tea", {.key = "tea"});
  if (!saga.ok()) return 1;
  const auto outcome = saga->Await();
  if (!outcome.ok() || !outcome->completed()) return 1;
  std::printf("%s\n", outcome->result()->c_str());
  return 0;
}
