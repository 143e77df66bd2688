#include "barrier_test_util.h"
#include "skald/base/clock.h"
#include "skald/testing/fault_store.h"

using namespace skald;
using namespace skald::testing;

namespace {

const CommitterOptions kByHand{.own_thread = false};

// Keeps what a callback said.
template <typename T>
struct Said {
  std::optional<Verdict<T>> verdict;

  Barrier::Callback<T> Callback() {
    return [this](Verdict<T> said) {
      REQUIRE_FALSE(verdict.has_value());
      verdict = std::move(said);
    };
  }
  bool silent() const { return !verdict.has_value(); }
  VerdictKind kind() const {
    REQUIRE(verdict.has_value());
    return verdict->kind();
  }
};

Verdict<Hold> MustNotRun(Transaction& /*rows*/) {
  FAIL("this call was to be answered without running");
  return Unknown("");
}

}  // namespace

TEST_CASE("an answer comes only when it is durable") {
  Shop shop({}, kByHand);
  SetStock(shop.committer(), 10);
  Said<Hold> action;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, action.Callback());
  CHECK(action.silent());
  CHECK(shop.Row("stock") == "10");
  REQUIRE(shop.committer().PollOnce());
  CHECK(action.kind() == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("a recorded answer that is not yet durable is waited for") {
  Shop shop({}, kByHand);
  Said<Nothing> undone;
  shop.barrier().CompensationThen<Hold>(CompensationRequest(), GiveBack, undone.Callback());
  Said<Hold> late;
  shop.barrier().ActionThen(ActionRequest(), MustNotRun, late.Callback());
  CHECK(undone.silent());
  CHECK(late.silent());
  while (shop.committer().PollOnce()) {
  }
  CHECK(undone.kind() == VerdictKind::kDone);
  CHECK(late.kind() == VerdictKind::kRejectedForKey);
}

TEST_CASE("equal calls wait for the one that is in process and run nothing") {
  Shop shop({.waiters_max = 2}, kByHand);
  SetStock(shop.committer(), 10);
  Said<Hold> first, second, third, fourth;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, first.Callback());
  shop.barrier().ActionThen(ActionRequest(), MustNotRun, second.Callback());
  shop.barrier().ActionThen(ActionRequest(), MustNotRun, third.Callback());
  CHECK(second.silent());
  // The bound of those who wait.
  shop.barrier().ActionThen(ActionRequest(), MustNotRun, fourth.Callback());
  CHECK(fourth.kind() == VerdictKind::kRetryLater);
  while (shop.committer().PollOnce()) {
  }
  CHECK(first.kind() == VerdictKind::kDone);
  CHECK(second.kind() == VerdictKind::kDone);
  CHECK(third.kind() == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("those who wait for a rejection get it for their key, and RetryLater as it is") {
  Shop shop({}, kByHand);
  Said<Hold> first, second;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, first.Callback());
  shop.barrier().ActionThen(ActionRequest(), MustNotRun, second.Callback());
  while (shop.committer().PollOnce()) {
  }
  CHECK(first.kind() == VerdictKind::kRejected);
  CHECK(second.kind() == VerdictKind::kRejectedForKey);

  const BarrierRequest busy = ActionRequest({.incarnation = 101});
  Said<Hold> outer, inner;
  shop.barrier().ActionThen(
      busy,
      [&](Transaction&) -> Verdict<Hold> {
        shop.barrier().ActionThen(busy, MustNotRun, inner.Callback());
        CHECK(inner.silent());
        return RetryLater("busy");
      },
      outer.Callback());
  CHECK(outer.kind() == VerdictKind::kRetryLater);
  CHECK(inner.kind() == VerdictKind::kRetryLater);
}

TEST_CASE("another request under a key that is in process is Unknown at once") {
  Shop shop({}, kByHand);
  Said<Hold> first, other;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, first.Callback());
  shop.barrier().ActionThen(ActionRequest({.fingerprint = 2}), MustNotRun, other.Callback());
  CHECK(other.kind() == VerdictKind::kUnknown);
  shop.committer().PollOnce();
  CHECK(first.kind() == VerdictKind::kRejected);
}

TEST_CASE("a compensation follows its action within one sync") {
  Shop shop({}, kByHand);
  SetStock(shop.committer(), 10);
  Said<Hold> action;
  Said<Nothing> undone;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, action.Callback());
  shop.barrier().CompensationThen<Hold>(CompensationRequest(), GiveBack, undone.Callback());
  const uint64_t batches = shop.committer().stats().batches;
  shop.committer().PollOnce();
  CHECK(shop.committer().stats().batches == batches + 1);
  CHECK(action.kind() == VerdictKind::kDone);
  CHECK(undone.kind() == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("a commit whose outcome is not known is Unknown, and the record tells it later") {
  const auto when = GENERATE(FaultStore::When::kBefore, FaultStore::When::kAfter);
  MemoryStore memory;
  FaultStore store(memory);
  ManualClock clock;
  CommitterOptions options{.own_thread = false};
  options.clock = &clock;
  options.unsettled_max = absl::Seconds(30);
  Shop shop({}, options, &store);
  SetStock(shop.committer(), 10);

  Said<Hold> action;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, action.Callback());
  store.FailNext(1'000'000, when);
  shop.committer().PollOnce();
  CHECK(action.silent());
  clock.Advance(absl::Seconds(31));
  shop.committer().PollOnce();
  CHECK(action.kind() == VerdictKind::kUnknown);
  CHECK(shop.barrier().Action(ActionRequest(), MustNotRun).kind() == VerdictKind::kUnknown);

  store.FailNext(0, when);
  shop.Reopen();
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).done());
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("a committer that goes ends the calls in process, and the barrier may go after it") {
  MemoryStore memory;
  FaultStore store(memory);
  auto committer = Committer::Open(store);
  REQUIRE(committer.ok());
  auto barrier = Barrier::Open(**committer);
  REQUIRE(barrier.ok());
  store.FailNext(1'000'000, FaultStore::When::kBefore);
  std::vector<VerdictKind> said;  // on the committer's thread, where nothing may be asserted
  for (int i = 0; i < 2; ++i) {   // the second waits for the first
    (*barrier)->CompensationThen<Hold>(
        CompensationRequest(), GiveBack,
        [&said](Verdict<Nothing> verdict) { said.push_back(verdict.kind()); });
  }
  CHECK(absl::IsDeadlineExceeded((*committer)->Shutdown(absl::ZeroDuration())));
  committer->reset();
  CHECK(said == std::vector{VerdictKind::kUnknown, VerdictKind::kUnknown});
  barrier->reset();
}

TEST_CASE("a full queue and a row over the store's limit are RetryLater: nothing changed") {
  Shop full({}, {.queue_bytes_max = 300, .own_thread = false});
  Said<Hold> first, second;
  const auto hold = [](Transaction& rows) {
    rows.Put("row", std::string(100, 'x'));
    return Hold{1};
  };
  full.barrier().ActionThen(ActionRequest({.incarnation = 1}), hold, first.Callback());
  full.barrier().ActionThen(ActionRequest({.incarnation = 2}), hold, second.Callback());
  CHECK(first.silent());
  CHECK(second.kind() == VerdictKind::kRetryLater);
  full.committer().PollOnce();
  CHECK(first.kind() == VerdictKind::kDone);

  Shop shop({}, kByHand);
  const size_t over = shop.memory().limits().value_bytes + 1;
  const auto large = shop.barrier().Action(
      ActionRequest(), [&](Transaction& rows) { rows.Put("row", std::string(over, 'x')); });
  CHECK(large.kind() == VerdictKind::kRetryLater);
  CHECK(shop.Records() == 0);
}

TEST_CASE("a callback may open the next call") {
  Shop shop({}, kByHand);
  SetStock(shop.committer(), 10);
  Said<Hold> again;
  shop.barrier().ActionThen(ActionRequest(), TakeOne, [&](Verdict<Hold> first) {
    CHECK(first.done());
    shop.barrier().ActionThen(ActionRequest(), MustNotRun, again.Callback());
  });
  while (shop.committer().PollOnce()) {
  }
  CHECK(again.kind() == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "9");
}
