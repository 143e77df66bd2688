// Steps on an Asio executor, and sagas awaited with completion tokens.
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "catch.h"
#include "skald/asio/asio_executor.h"
#include "skald/asio/async_outcome.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

namespace {

using skald::StepContext;

struct Greet : skald::StepKey<"greet", std::string> {};
inline constexpr skald::SagaKey<"greeting", 1, std::string, std::string> kGreeting;
using OutcomeOr = absl::StatusOr<skald::Outcome<std::string>>;

skald::Definition Greeting() {
  return skald::Define(kGreeting)
      .NoEffect(Greet{},
                [](const StepContext&, const std::string& name) { return "hello " + name; })
      .Returns(Greet{})
      .Build();
}

std::unique_ptr<skald::Coordinator> Open(skald::Store& store, skald::Executor& steps) {
  auto coordinator = skald::Coordinator::Open(store, steps, {Greeting()});
  REQUIRE(coordinator.ok());
  return *std::move(coordinator);
}

TEST_CASE("steps run on an io_context, and a coroutine of it awaits the saga") {
  asio::io_context io;
  skald::MemoryStore store;
  skald::AsioExecutor steps(io.get_executor());
  auto coordinator = Open(store, steps);
  auto saga = coordinator->Start(kGreeting, "Ada", {.key = "k"});
  REQUIRE(saga.ok());
  std::string heard;
  const auto wait = [](skald::SagaHandle<std::string> awaited,
                       std::string* into) -> asio::awaitable<void> {
    OutcomeOr outcome = co_await skald::AsyncOutcome(awaited, asio::use_awaitable);
    *into = *outcome->result();
  };
  asio::co_spawn(io, wait(*saga, &heard), asio::detached);
  io.run();  // ends when the coroutine has: waiting keeps the context busy
  CHECK(heard == "hello Ada");
}

TEST_CASE("a plain handler is called on a thread that is not the coordinator's") {
  asio::thread_pool pool(2);
  skald::MemoryStore store;
  skald::AsioExecutor steps(pool.get_executor());
  auto coordinator = Open(store, steps);
  auto saga = coordinator->Start(kGreeting, "Ben", {.key = "k"});
  REQUIRE(saga.ok());
  std::promise<std::string> told;
  skald::AsyncOutcome(*saga,
                      [&told](const OutcomeOr& outcome) { told.set_value(*outcome->result()); });
  CHECK(told.get_future().get() == "hello Ben");
  pool.join();
}

TEST_CASE("a full queue refuses and leaves the work alone; dropped work frees its place") {
  asio::io_context io;
  skald::AsioExecutor executor(io.get_executor(), {.queue_capacity = 1});
  int ran = 0;
  skald::Work first = [&ran] { ++ran; };
  skald::Work second = [&ran] { ++ran; };
  CHECK(executor.Execute(std::move(first)).ok());
  CHECK(absl::IsResourceExhausted(executor.Execute(std::move(second))));
  CHECK(io.poll() == 1);
  CHECK(ran == 1);
  io.restart();
  // NOLINTNEXTLINE(bugprone-use-after-move): an executor leaves alone what it refuses
  CHECK(executor.Execute(std::move(second)).ok());
  CHECK(io.poll() == 1);
  CHECK(ran == 2);
}

TEST_CASE("work that goes down with its context comes back as steps that may have happened") {
  skald::MemoryStore store;
  auto io = std::make_unique<asio::io_context>();
  skald::AsioExecutor steps(io->get_executor());
  auto coordinator = Open(store, steps);
  auto saga = coordinator->Start(kGreeting, "Cid", {.key = "k"});
  REQUIRE(saga.ok());
  while (coordinator->stats().attempts == 0) std::this_thread::yield();
  coordinator.reset();
  io.reset();
  SUCCEED("nothing hangs and nothing leaks");
}

}  // namespace
