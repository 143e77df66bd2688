#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/async/completion.h"
#include "skald/async/start_task.h"
#include "skald/async/task.h"

namespace {

using skald::AwaitCompletion;
using skald::Completion;
using skald::ExceptionText;
using skald::StartTask;
using skald::SyncWait;
using skald::Task;
using skald::TaskResult;

Task<int> Give(int value) {
  co_return value;
}
Task<std::string> Text(std::string text) {
  co_return text;
}
Task<void> Touch(int& count) {
  ++count;
  co_return;
}
Task<int> Throw(std::string what) {
  if (!what.empty()) throw std::runtime_error(what);
  co_return 0;
}
Task<int> Add(Task<int> a, Task<int> b) {
  const int first = co_await std::move(a);
  const int second = co_await std::move(b);
  co_return first + second;
}

TEST_CASE("A task runs only when it is started") {
  int count = 0;
  Task<void> task = Touch(count);
  CHECK(count == 0);
  SyncWait(std::move(task));
  CHECK(count == 1);
}

TEST_CASE("A task that is dropped never runs and frees its parameters") {
  auto held = std::make_shared<int>(1);
  {
    auto holds = [](std::shared_ptr<int> p) -> Task<int> { co_return *p; };
    Task<int> task = holds(held);
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("Values pass through nested tasks") {
  CHECK(SyncWait(Add(Give(20), Add(Give(1), Give(21)))) == 42);
  CHECK(SyncWait(Text(std::string(100, 'x'))) == std::string(100, 'x'));
}

TEST_CASE("A move-only value is given without a copy") {
  auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  auto pass = [](Task<std::unique_ptr<int>> inner) -> Task<std::unique_ptr<int>> {
    co_return co_await std::move(inner);
  };
  CHECK(*SyncWait(pass(make())) == 7);
}

TEST_CASE("An exception comes out of the co_await and can be caught there") {
  auto rescue = []() -> Task<std::string> {
    try {
      co_await Throw("deep");
    } catch (const std::runtime_error& error) {
      co_return std::string("caught ") + error.what();
    }
    co_return "nothing came";
  };
  CHECK(SyncWait(rescue()) == "caught deep");
}

TEST_CASE("An exception that nobody catches ends up in the result") {
  std::string text;
  StartTask(Throw("lost"), [&](TaskResult<int> result) {
    CHECK_FALSE(result.has_value());
    text = ExceptionText(result.exception());
  });
  CHECK(text == "lost");
  CHECK_THROWS_WITH(SyncWait(Throw("lost again")), "lost again");
}

TEST_CASE("An exception that is not a std::exception has a text too") {
  auto odd = []() -> Task<void> {
    throw 7;
    co_return;
  };
  std::string text;
  StartTask(odd(), [&](TaskResult<void> result) { text = ExceptionText(result.exception()); });
  CHECK(text == "an exception that is not a std::exception");
}

TEST_CASE("Caught gives the exception as a value") {
  auto look = []() -> Task<bool> {
    TaskResult<int> bad = co_await Throw("x").Caught();
    TaskResult<int> good = co_await Give(3).Caught();
    co_return !bad.has_value() && good.has_value() && good.value() == 3;
  };
  CHECK(SyncWait(look()));
}

TEST_CASE("A million synchronous completions in a row need no stack") {
  auto sum = []() -> Task<int64_t> {
    int64_t total = 0;
    for (int i = 0; i < 1'000'000; ++i) total += co_await Give(i);
    co_return total;
  };
  CHECK(SyncWait(sum()) == int64_t{999'999} * 1'000'000 / 2);
}

TEST_CASE("A million synchronous answers to callbacks need no stack") {
  auto sum = []() -> Task<int64_t> {
    int64_t total = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      auto answer = co_await AwaitCompletion<int>([i](Completion<int> done) { done(i); });
      total += *answer;
    }
    co_return total;
  };
  CHECK(SyncWait(sum()) == int64_t{999'999} * 1'000'000 / 2);
}

Task<int> Nested(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Nested(depth - 1);
}

TEST_CASE("A hundred thousand nested tasks need no stack") {
  CHECK(SyncWait(Nested(100'000)) == 100'000);
}

Task<void> Relay(std::vector<std::unique_ptr<Completion<int>>>& waiting, size_t index,
                 int& passed) {
  auto answer = co_await AwaitCompletion<int>([&](Completion<int> done) {
    waiting[index] = std::make_unique<Completion<int>>(std::move(done));
  });
  passed += answer.ok() ? 1 : 0;
  if (index + 1 < waiting.size()) (*waiting[index + 1])(*answer);
}

TEST_CASE("A chain in which each coroutine wakes the next needs no stack") {
  std::vector<std::unique_ptr<Completion<int>>> waiting(200'000);
  int passed = 0;
  int ended = 0;
  for (size_t i = 0; i < waiting.size(); ++i) {
    StartTask(Relay(waiting, i, passed), [&](TaskResult<void>) { ++ended; });
  }
  CHECK(passed == 0);
  (*waiting[0])(1);
  CHECK(passed == 200'000);
  CHECK(ended == 200'000);
}

TEST_CASE("The frame and what its parameters hold are gone before the callback runs") {
  auto held = std::make_shared<int>(5);
  auto holds = [](std::shared_ptr<int> p) -> Task<int> {
    const std::shared_ptr<int> local = p;
    co_return *local;
  };
  long users = 0;
  StartTask(holds(held), [&](TaskResult<int>) { users = held.use_count(); });
  CHECK(users == 1);
}

TEST_CASE("A coroutine goes on in the thread that answers") {
  std::unique_ptr<Completion<int>> owed;
  std::thread::id resumed_on;
  auto wait = [&]() -> Task<int> {
    auto answer = co_await AwaitCompletion<int>(
        [&](Completion<int> done) { owed = std::make_unique<Completion<int>>(std::move(done)); });
    resumed_on = std::this_thread::get_id();
    co_return *answer;
  };
  int got = 0;
  StartTask(wait(), [&](TaskResult<int> result) { got = result.value(); });
  CHECK(got == 0);
  std::thread other([&] { (*owed)(9); });
  const std::thread::id other_id = other.get_id();
  other.join();
  CHECK(got == 9);
  CHECK(resumed_on == other_id);
}

TEST_CASE("Answers that race with the wait are never lost") {
  for (int i = 0; i < 2'000; ++i) {
    std::thread other;
    auto wait = [&]() -> Task<int> {
      auto answer = co_await AwaitCompletion<int>([&](Completion<int> done) {
        other = std::thread([done = std::move(done), i]() mutable { done(i); });
      });
      co_return *answer;
    };
    REQUIRE(SyncWait(wait()) == i);
    other.join();
  }
}

TEST_CASE("A completion that is dropped answers with an error") {
  auto wait = []() -> Task<absl::StatusCode> {
    auto answer =
        co_await AwaitCompletion<int>([](Completion<int> done) { auto gone = std::move(done); });
    co_return answer.status().code();
  };
  CHECK(SyncWait(wait()) == absl::StatusCode::kUnknown);
}

TEST_CASE("A throw from what starts the wait comes out of the co_await") {
  auto wait = []() -> Task<std::string> {
    try {
      auto answer = co_await AwaitCompletion<int>(
          [](Completion<int>) { throw std::runtime_error("cannot start"); });
      co_return "answered";
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
  };
  CHECK(SyncWait(wait()) == "cannot start");
}

TEST_CASE("SyncWait within a coroutine does not hold up what waits for that coroutine") {
  auto outer = []() -> Task<int> {
    int from_started = 0;
    StartTask(Give(4), [&](TaskResult<int> result) { from_started = result.value(); });
    const int before = from_started;  // it waits until this coroutine suspends or blocks
    const int waited = SyncWait(Give(5));
    co_return before * 100 + from_started * 10 + waited;
  };
  CHECK(SyncWait(outer()) == 45);
}

// A coroutine type that knows nothing of skald, as another library's.
struct Foreign {
  struct promise_type {
    Foreign get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

TEST_CASE("A foreign coroutine can await a task") {
  int got = 0;
  auto foreign = [&]() -> Foreign {
    for (int i = 0; i < 1'000; ++i) got += co_await Add(Give(1), Give(i));
  };
  foreign();
  CHECK(got == 1'000 + 999 * 1'000 / 2);
}

// An awaitable that knows nothing of skald: it resumes the handle itself.
struct Parked {
  std::coroutine_handle<>& slot;
  explicit Parked(std::coroutine_handle<>& s) : slot(s) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const noexcept { slot = h; }
  void await_resume() const noexcept {}
};

TEST_CASE("A foreign awaitable can resume a task") {
  std::coroutine_handle<> slot;
  auto wait = [&]() -> Task<int> {
    int total = 0;
    for (int i = 0; i < 3; ++i) {
      co_await Parked(slot);
      total += co_await Give(i);
    }
    co_return total;
  };
  int got = -1;
  StartTask(wait(), [&](TaskResult<int> result) { got = result.value(); });
  for (int i = 0; i < 3; ++i) {
    CHECK(got == -1);
    std::exchange(slot, nullptr).resume();
  }
  CHECK(got == 3);
}

}  // namespace
