#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <thread>
#include <vector>

#include "barrier_test_util.h"

using namespace skald;
using namespace skald::testing;

namespace {

void OnThreads(int count, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

}  // namespace

TEST_CASE("64 threads and 10,000 keys leave exactly nothing of a stock of 1,000") {
  constexpr int kThreads = 64;
  constexpr int kKeys = 10'000;
  constexpr int kStock = 1'000;
  Shop shop;
  SetStock(shop.committer(), kStock);
  std::atomic<int> next = 0, reserved = 0, sold_out = 0, other = 0;
  OnThreads(kThreads, [&](int) {
    for (int key = next++; key < kKeys; key = next++) {
      const auto request = ActionRequest({.incarnation = 1 + static_cast<uint64_t>(key)});
      const Verdict<Hold> hold = shop.barrier().Action(request, TakeOne);
      ++(hold.done() ? reserved : hold.reason() == "sold out" ? sold_out : other);
    }
  });
  CHECK(reserved == kStock);
  CHECK(sold_out == kKeys - kStock);
  CHECK(other == 0);
  CHECK(shop.Row("stock") == "0");
  CHECK(shop.Records() == kKeys);
}

// What the test above rests on: two calls that have both seen the last unit.
TEST_CASE("of two that saw the last unit one gets it; both do when the row is not required") {
  const bool required = GENERATE(true, false);
  Shop shop;
  SetStock(shop.committer(), 1);
  std::barrier both_read(2);
  std::atomic<int> reserved = 0;
  OnThreads(2, [&](int thread) {
    bool first_run = true;
    const auto take = [&](Transaction& rows) -> Verdict<Hold> {
      std::optional<std::string> stock;
      if (required) {
        stock = rows.Get("stock").value();
      } else {
        stock = shop.committer().Get("stock").value()->value;
      }
      if (std::exchange(first_run, false)) both_read.arrive_and_wait();
      if (ToNumber(stock) == 0) return Rejected("sold out");
      rows.Put("stock", std::to_string(ToNumber(stock) - 1));
      return Hold{1};
    };
    const auto request = ActionRequest({.incarnation = 1 + static_cast<uint64_t>(thread)});
    reserved += shop.barrier().Action(request, take).done();
  });
  CHECK(reserved == (required ? 1 : 2));
}

TEST_CASE("equal calls from many threads run once and get one answer") {
  Shop shop;
  SetStock(shop.committer(), 1000);
  std::atomic<int> runs = 0, done = 0;
  for (uint64_t key = 1; key <= 50; ++key) {
    OnThreads(16, [&](int) {
      const auto hold = shop.barrier().Action(ActionRequest({.incarnation = key}),
                                              [&](Transaction& rows) -> Verdict<Hold> {
                                                ++runs;
                                                return TakeOne(rows);
                                              });
      done += hold.done();
    });
  }
  CHECK(runs == 50);
  CHECK(done == 50 * 16);
  CHECK(shop.Row("stock") == "950");
}

TEST_CASE("actions and compensations of the same keys from many threads leave nothing standing") {
  Shop shop;
  SetStock(shop.committer(), 1000);
  constexpr uint64_t kKeys = 300;
  std::atomic<int> wrong = 0;  // assertions belong to the main thread
  OnThreads(8, [&](int thread) {
    for (uint64_t key = 1; key <= kKeys; ++key) {
      const Asked asked{.incarnation = key};
      if (thread % 2 == 0) {
        const auto hold = shop.barrier().Action(ActionRequest(asked), TakeOne);
        wrong += !hold.done() && hold.kind() != VerdictKind::kRejectedForKey;
      } else {
        wrong += !shop.barrier().Compensation<Hold>(CompensationRequest(asked), GiveBack).done();
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(shop.Row("stock") == "1000");
  CHECK(shop.Records() == kKeys);
}

TEST_CASE("floors that rise under load let nothing run twice") {
  Shop shop({.floor_step = 16});
  SetStock(shop.committer(), 100'000);
  constexpr uint64_t kKeys = 2'000;
  std::atomic<uint64_t> next = 1;
  std::atomic<int> done = 0, other = 0;
  // What each thread works on, said before it draws its key: the floor is the lowest of them, as a
  // coordinator's is.
  std::array<std::atomic<uint64_t>, 8> live;
  for (auto& one : live) one = 1;
  OnThreads(8, [&](int thread) {
    std::atomic<uint64_t>& mine = live[static_cast<size_t>(thread)];
    for (;;) {
      mine = next.load();
      const uint64_t key = next++;
      mine = key > kKeys ? UINT64_MAX : key;
      if (key > kKeys) return;
      uint64_t floor = key;
      for (const auto& one : live) floor = std::min(floor, one.load());
      const Asked asked{.incarnation = key, .floor = floor};
      for (int attempt = 0; attempt < 2; ++attempt) {
        const auto hold = shop.barrier().Action(ActionRequest(asked), TakeOne);
        if (attempt == 0) ++(hold.done() ? done : other);
      }
    }
  });
  CHECK(done == static_cast<int>(kKeys));
  CHECK(other == 0);
  CHECK(shop.Row("stock") == std::to_string(100'000 - kKeys));
  // However the threads took turns: when the floor is above them all, nothing of them is left.
  const Asked last{.incarnation = kKeys + 1, .floor = kKeys + 1};
  REQUIRE(shop.barrier().Action(ActionRequest(last), TakeOne).done());
  REQUIRE(shop.barrier().Sweep().ok());
  CHECK(shop.Records() == 1);
}

TEST_CASE("a compensation overtakes an action that still runs, which is then refused") {
  Shop shop;
  SetStock(shop.committer(), 10);
  const auto late = shop.barrier().Action(ActionRequest(), [&](Transaction& rows) {
    CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack).done());
    return TakeOne(rows);
  });
  CHECK(late.kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("a reconcile overtakes an action that still runs, which is then refused") {
  Shop shop;
  SetStock(shop.committer(), 10);
  const auto late = shop.barrier().Action(ActionRequest(), [&](Transaction& rows) {
    CHECK(shop.barrier().Reconcile<Hold>(ActionRequest()).kind() == VerdictKind::kRejectedForKey);
    return TakeOne(rows);
  });
  CHECK(late.kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("a rejection, too, rests on rows that have not changed") {
  Shop shop;
  int runs = 0;
  const auto hold = shop.barrier().Action(ActionRequest(), [&](Transaction& rows) {
    Verdict<Hold> said = TakeOne(rows);
    if (runs++ == 0) {
      CHECK(said.kind() == VerdictKind::kRejected);
      SetStock(shop.committer(), 5);
    }
    return said;
  });
  CHECK(hold.done());
  CHECK(runs == 2);
  CHECK(shop.Row("stock") == "4");
}

TEST_CASE("a function that saw a row change between two reads runs again") {
  Shop shop;
  SetStock(shop.committer(), 5);
  int runs = 0;
  const auto hold = shop.barrier().Action(ActionRequest(), [&](Transaction& rows) {
    CHECK(rows.Get("stock").ok());
    if (runs++ == 0) SetStock(shop.committer(), 7);
    return TakeOne(rows);
  });
  CHECK(hold.done());
  CHECK(runs == 2);
  CHECK(shop.Row("stock") == "6");
}

TEST_CASE("a row that changes under every run ends in RetryLater") {
  Shop shop({.conflicts_max = 5});
  SetStock(shop.committer(), 100);
  int runs = 0;
  const auto hold = shop.barrier().Action(ActionRequest(), [&](Transaction& rows) {
    Verdict<Hold> said = TakeOne(rows);
    SetStock(shop.committer(), 100 + ++runs);
    return said;
  });
  CHECK(hold.kind() == VerdictKind::kRetryLater);
  CHECK(runs == 6);
  CHECK(shop.Records() == 0);
}
