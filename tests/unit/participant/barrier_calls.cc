#include "barrier_calls.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "barrier_test_util.h"
#include "skald/base/hash.h"

namespace skald::testing {
namespace {

constexpr uint64_t kItems = 500;
constexpr int64_t kStockOfItem = 100'000;
constexpr uint64_t kBurst = 4;  // calls of one key that come together

// What is ever asked for a key, drawn by its number. Keys that are undone early often are so before
// their action, and no later compensation covers an action that runs nevertheless.
enum class Kind : uint8_t { kActions, kUndone, kUndoneEarly, kReconciled, kAll };
constexpr uint64_t kKinds = 5;

// What callers were told of a key. Bits, so that an answer that changes is seen whoever got it.
constexpr uint8_t kToldDone = 1;
constexpr uint8_t kToldRefused = 2;
constexpr uint8_t kToldCompensated = 4;

uint64_t Draw(uint64_t seed, std::string_view what, uint64_t number) {
  return StableHash64(fmt::format("{} {}", seed, what), fmt::format("{}", number));
}

std::string ItemOf(uint64_t key) {
  return fmt::format("item/{}", key % kItems);
}

// Adds `units` to a counter. RETURNS: what it was before.
absl::StatusOr<int64_t> Add(Transaction& rows, const std::string& row, int64_t units) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(row));
  rows.Put(row, std::to_string(ToNumber(before) + units));
  return ToNumber(before);
}

class Caller {
 public:
  Caller(const BarrierCalls& options, std::vector<std::atomic<uint8_t>>& told)
      : options_(options), told_(told) {}

  // Makes call number `call`, until it has an answer.
  void Make(Barrier& barrier, uint64_t call) {
    const uint64_t key = Draw(options_.seed, "key", call / kBurst) % options_.keys;
    const uint64_t draw = Draw(options_.seed, "verb", call) % 4;
    const auto kind = static_cast<Kind>(Draw(options_.seed, "kind", key) % kKinds);
    const bool undoes = kind == Kind::kUndone || kind == Kind::kAll ||
                        (kind == Kind::kUndoneEarly && call < options_.calls / 50);
    const bool asks = kind == Kind::kReconciled || kind == Kind::kAll;
    while (!((undoes && draw == 0) ? Compensate(barrier, key)
             : (asks && draw == 1) ? Reconcile(barrier, key)
                                   : Act(barrier, key))) {
      ++asked_again;
    }
  }

  std::atomic<uint64_t> done = 0, refused = 0, compensated = 0, reconciled = 0, asked_again = 0;
  std::atomic<uint64_t> unexpected = 0;

 private:
  static BarrierRequest RequestOf(uint64_t key, Direction direction) {
    BarrierRequest request = ActionRequest({.incarnation = 1 + key, .fingerprint = key});
    request.key.direction = direction;
    return request;
  }

  // A third of the keys are refused by the business itself.
  static Verdict<Hold> Take(Transaction& rows, uint64_t key) {
    const auto before = Add(rows, fmt::format("acted/{}", key), 1);
    if (!before.ok()) return FromStatus(before.status());
    const auto stock = Add(rows, ItemOf(key), -1);
    if (!stock.ok()) return FromStatus(stock.status());
    if (key % 3 == 0) return Rejected("not for sale");
    return Hold{1 + static_cast<int64_t>(key)};
  }

  bool Act(Barrier& barrier, uint64_t key) {
    const auto verdict =
        barrier.Action(RequestOf(key, Direction::kAction),
                       [key](Transaction& rows) -> Verdict<Hold> { return Take(rows, key); });
    return Answered(verdict, key);
  }
  bool Reconcile(Barrier& barrier, uint64_t key) {
    ++reconciled;
    return Answered(barrier.Reconcile<Hold>(RequestOf(key, Direction::kAction)), key);
  }
  bool Compensate(Barrier& barrier, uint64_t key) {
    const auto verdict = barrier.Compensation<Hold>(
        RequestOf(key, Direction::kCompensation),
        [this, key](Transaction& rows, const Hold& hold) -> Verdict<Nothing> {
          unexpected += hold.units != 1 + static_cast<int64_t>(key);
          const auto before = Add(rows, fmt::format("undone/{}", key), 1);
          if (!before.ok()) return FromStatus(before.status());
          const auto stock = Add(rows, ItemOf(key), 1);
          if (!stock.ok()) return FromStatus(stock.status());
          return Done();
        });
    if (verdict.kind() == VerdictKind::kRetryLater) return false;
    unexpected += !verdict.done();
    ++compensated;
    told_[key] |= kToldCompensated;
    return true;
  }

  bool Answered(const Verdict<Hold>& verdict, uint64_t key) {
    if (verdict.kind() == VerdictKind::kRetryLater) return false;
    if (verdict.done()) {
      ++done;
      told_[key] |= kToldDone;
      unexpected += verdict.output().units != 1 + static_cast<int64_t>(key);
    } else {
      ++refused;
      told_[key] |= kToldRefused;
      unexpected += verdict.kind() == VerdictKind::kUnknown;
    }
    return true;
  }

  const BarrierCalls& options_;
  std::vector<std::atomic<uint8_t>>& told_;
};

// Holds each key's rows and each item's counter against what the callers were told.
void Compare(Shop& shop, const std::vector<std::atomic<uint8_t>>& told,
             BarrierCallsReport& report) {
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds && report.wrong.empty()) report.wrong = what;
  };
  std::map<std::string, int64_t> stock;
  for (uint64_t item = 0; item < kItems; ++item) stock[ItemOf(item)] = kStockOfItem;
  for (uint64_t key = 0; key < told.size(); ++key) {
    const uint8_t bits = told[key];
    const bool done = (bits & kToldDone) != 0;
    const bool undone = done && (bits & kToldCompensated) != 0;
    expect(!done || (bits & kToldRefused) == 0,
           fmt::format("key {}: some were told Done, some Rejected", key));
    expect(ToNumber(shop.Row(fmt::format("acted/{}", key))) == done,
           fmt::format("key {}: its action did not happen as often as it was told", key));
    expect(ToNumber(shop.Row(fmt::format("undone/{}", key))) == undone,
           fmt::format("key {}: its compensation did not happen as often as it was told", key));
    stock[ItemOf(key)] -= done && !undone;
    ++(undone ? report.keys_undone : done ? report.keys_standing : report.keys_refused);
  }
  for (const auto& [item, units] : stock) {
    const int64_t there = ToNumber(shop.Row(item));
    expect(there == units, fmt::format("{}: {} there, {} by the model", item, there, units));
  }
}

}  // namespace

BarrierCallsReport MakeBarrierCalls(Store& store, const BarrierCalls& options) {
  Shop shop({.name = "calls"}, {}, &store);
  for (uint64_t item = 0; item < kItems; ++item) {
    Transaction rows = shop.committer().Begin();
    rows.Put(ItemOf(item), std::to_string(kStockOfItem));
    REQUIRE(std::move(rows).CommitThen([](const absl::Status&) {}).ok());
  }
  std::vector<std::atomic<uint8_t>> told(options.keys);
  Caller caller(options, told);
  std::atomic<uint64_t> next = 0;
  for (int part = 0; part <= options.restarts; ++part) {
    if (part > 0) shop.Reopen();
    const uint64_t end = options.calls * static_cast<uint64_t>(part + 1) /
                         static_cast<uint64_t>(options.restarts + 1);
    std::vector<std::jthread> threads;
    for (int i = 0; i < options.threads; ++i) {
      threads.emplace_back([&] {
        for (uint64_t call = next++; call < end; call = next++) caller.Make(shop.barrier(), call);
      });
    }
    threads.clear();
    next = end;
  }
  BarrierCallsReport report{.done = caller.done,
                            .refused = caller.refused,
                            .compensated = caller.compensated,
                            .reconciled = caller.reconciled,
                            .asked_again = caller.asked_again};
  if (caller.unexpected > 0) {
    report.wrong = fmt::format("{} answers that no call may get", caller.unexpected.load());
  }
  Compare(shop, told, report);
  return report;
}

}  // namespace skald::testing
