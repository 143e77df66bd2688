// Coroutines as step functions: they end at once, later, or on another thread.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "attempt.h"
#include "catch.h"
#include "skald/async/completion.h"
#include "skald/saga/define.h"

namespace {

using skald::AwaitCompletion;
using skald::Completion;
using skald::Define;
using skald::Definition;
using skald::StepContext;
using skald::Task;
using skald::Verdict;
using skald::VerdictKind;
using skald::internal::CallState;
using skald::testing::Attempt;

struct Hold : skald::StepKey<"hold", int64_t> {};
struct Note : skald::StepKey<"note"> {};
inline constexpr skald::SagaKey<"try", 1, int64_t> kTry;

const int64_t kInput = 7;

template <typename Key, typename Action>
Definition One(Action&& action) {
  return Define(kTry).NoEffect(Key{}, std::forward<Action>(action)).Build();
}
CallState Run(Attempt& attempt, const Definition& definition) {
  return attempt.Input(kInput).Run(definition.data().steps[0].action);
}

TEST_CASE("a coroutine that never waits is complete when the call returns") {
  const Definition definition =
      One<Hold>([](const StepContext&, const int64_t& input) -> Task<Verdict<int64_t>> {
        co_return input + 1;
      });
  Attempt attempt(definition);
  CHECK(Run(attempt, definition) == CallState::kComplete);
  CHECK(attempt.done() == 0);
  CHECK(attempt.result().kind == VerdictKind::kDone);
  CHECK(attempt.Decoded<int64_t>() == 8);
}

TEST_CASE("a coroutine that waits calls done once, after its parameters are gone") {
  std::optional<Completion<int64_t>> pending;
  auto alive = std::make_shared<int>(0);
  const Definition definition = One<Hold>(
      [&pending, alive](const StepContext&, const int64_t& input) -> Task<absl::StatusOr<int64_t>> {
        const std::shared_ptr<int> held = alive;
        absl::StatusOr<int64_t> more = co_await AwaitCompletion<int64_t>(
            [&](Completion<int64_t> done) { pending.emplace(std::move(done)); });
        if (!more.ok()) co_return more;
        co_return input + *more;
      });
  const auto captured = alive.use_count();
  Attempt attempt(definition);
  CHECK(Run(attempt, definition) == CallState::kPending);
  CHECK(attempt.done() == 0);
  CHECK(alive.use_count() == captured + 1);
  (*pending)(5);
  CHECK(attempt.done() == 1);
  CHECK(attempt.Decoded<int64_t>() == 12);
  CHECK(alive.use_count() == captured);
}

TEST_CASE("a coroutine that loses its answer says Unknown") {
  std::optional<Completion<int64_t>> pending;
  const Definition definition =
      One<Hold>([&](const StepContext&, const int64_t&) -> Task<absl::StatusOr<int64_t>> {
        co_return co_await AwaitCompletion<int64_t>(
            [&](Completion<int64_t> done) { pending.emplace(std::move(done)); });
      });
  Attempt attempt(definition);
  CHECK(Run(attempt, definition) == CallState::kPending);
  pending.reset();
  CHECK(attempt.done() == 1);
  CHECK(attempt.result().kind == VerdictKind::kUnknown);
}

TEST_CASE("an exception in a coroutine says Unknown with its text") {
  const Definition definition =
      One<Hold>([](const StepContext&, const int64_t& input) -> Task<int64_t> {
        if (input == kInput) throw std::runtime_error("connection reset");
        co_return input;
      });
  Attempt attempt(definition);
  CHECK(Run(attempt, definition) == CallState::kComplete);
  CHECK(attempt.result().kind == VerdictKind::kUnknown);
  CHECK(attempt.result().reason() == "exception: connection reset");
}

TEST_CASE("a coroutine may give nothing, or a Status") {
  const Definition nothing =
      One<Note>([](const StepContext&, const int64_t&) -> Task<void> { co_return; });
  Attempt attempt(nothing);
  CHECK(Run(attempt, nothing) == CallState::kComplete);
  CHECK(attempt.result().kind == VerdictKind::kDone);

  const Definition status = One<Note>([](const StepContext&, const int64_t&) -> Task<absl::Status> {
    co_return absl::PermissionDeniedError("not yours");
  });
  Attempt refused(status);
  CHECK(Run(refused, status) == CallState::kComplete);
  CHECK(refused.result().kind == VerdictKind::kRejected);
}

// Calls, on a thread of its own, each completion that it is given.
class Answerer {
 public:
  Answerer()
      : thread_([this] {
          for (;;) {
            full_.wait(false);
            if (!slot_) return;
            Completion<int64_t> done = *std::exchange(slot_, std::nullopt);
            full_ = false;
            done(kInput);
          }
        }) {}
  ~Answerer() { Fill(); }
  // REQUIRES: the one before was taken.
  void Give(Completion<int64_t> done) {
    slot_.emplace(std::move(done));
    Fill();
  }

 private:
  void Fill() {
    full_ = true;
    full_.notify_one();
  }

  std::optional<Completion<int64_t>> slot_;
  std::atomic<bool> full_ = false;
  std::jthread thread_;
};

TEST_CASE("an end on another thread and the return meet, whoever comes first") {
  std::atomic<bool> ended = false;
  int pending = 0;
  Answerer answerer;
  const Definition definition =
      One<Hold>([&](const StepContext&, const int64_t&) -> Task<absl::StatusOr<int64_t>> {
        co_return co_await AwaitCompletion<int64_t>(
            [&](Completion<int64_t> done) { answerer.Give(std::move(done)); });
      });
  for (int i = 0; i < 5000; ++i) {
    Attempt attempt(definition);
    ended = false;
    attempt.OnDone([&] {
      ended = true;
      ended.notify_one();
    });
    if (Run(attempt, definition) == CallState::kPending) {
      ++pending;
      ended.wait(false);
    } else {
      CHECK(!ended);
    }
    REQUIRE(attempt.result().kind == VerdictKind::kDone);
    REQUIRE(attempt.Decoded<int64_t>() == kInput);
  }
  CHECK(pending > 0);
}

}  // namespace
