// An entity moves along its table: legal, already there, or illegal.
#include "skald/participant/business_state.h"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/store/memory_store.h"

namespace skald_test {

enum class OrderState : uint8_t {
  kPending = 1,
  kPaid = 2,
  kCancelled = 3,
  kShipped = 4,
  kRefunded = 5
};
enum class OrderEvent : uint8_t { kPay = 1, kCancel = 2, kShip = 3, kRefund = 4 };

std::string_view ToString(OrderState state) {
  constexpr std::string_view kNames[] = {"?",         "pending", "paid",
                                         "cancelled", "shipped", "refunded"};
  return kNames[static_cast<size_t>(state)];
}
std::string_view ToString(OrderEvent event) {
  constexpr std::string_view kNames[] = {"?", "pay", "cancel", "ship", "refund"};
  return kNames[static_cast<size_t>(event)];
}

namespace {

using skald::Committer;
using skald::MoveKind;
using skald::Transaction;

constexpr skald::BusinessTable kOrder(
    OrderState::kPending,
    std::to_array<skald::Transition<OrderState, OrderEvent>>({
        {OrderState::kPending, OrderEvent::kPay, OrderState::kPaid},
        {OrderState::kPending, OrderEvent::kCancel, OrderState::kCancelled},
        {OrderState::kPaid, OrderEvent::kShip, OrderState::kShipped},
        {OrderState::kPaid, OrderEvent::kRefund, OrderState::kRefunded},
        {OrderState::kShipped, OrderEvent::kRefund, OrderState::kRefunded},
    }),
    std::array{OrderState::kCancelled, OrderState::kRefunded});

struct Orders {
  Orders() : committer(*Committer::Open(store, {.writer = "orders"})) {}
  skald::Moved<OrderState> Move(OrderEvent event, std::string_view key = "order/7") {
    Transaction rows = committer->Begin();
    const auto moved = skald::Move(rows, key, kOrder, event);
    REQUIRE(moved.ok());
    REQUIRE(std::move(rows).Commit().ok());
    return *moved;
  }
  skald::MemoryStore store;
  std::unique_ptr<Committer> committer;
};

TEST_CASE("a legal event moves the entity, and its version with it") {
  Orders o;
  const auto paid = o.Move(OrderEvent::kPay);
  CHECK(paid.kind == MoveKind::kMoved);
  CHECK(paid.from == OrderState::kPending);
  CHECK(paid.to == OrderState::kPaid);
  CHECK(paid.version == 1);
  CHECK(o.Move(OrderEvent::kShip).version == 2);
}

TEST_CASE("already paid and may not be paid are different answers") {
  Orders o;
  o.Move(OrderEvent::kPay, "a");
  CHECK(o.Move(OrderEvent::kPay, "a").kind == MoveKind::kAlreadyThere);
  o.Move(OrderEvent::kShip, "a");
  const auto again = o.Move(OrderEvent::kPay, "a");
  CHECK(again.kind == MoveKind::kAlreadyThere);
  CHECK(again.to == OrderState::kShipped);
  CHECK(again.version == 2);
  o.Move(OrderEvent::kCancel, "b");
  const auto never = o.Move(OrderEvent::kPay, "b");
  CHECK(never.kind == MoveKind::kIllegal);
  CHECK(never.to == OrderState::kCancelled);
  CHECK(o.Move(OrderEvent::kCancel, "a").kind == MoveKind::kIllegal);
}

TEST_CASE("what is refused changes nothing") {
  Orders o;
  o.Move(OrderEvent::kShip);
  CHECK_FALSE(o.store.Get(skald::Space::kRows, "order/7")->has_value());
}

TEST_CASE(
    "a move at another version is refused, so that nothing is decided on what was seen before") {
  Orders o;
  o.Move(OrderEvent::kPay);
  Transaction rows = o.committer->Begin();
  const auto stale = skald::Move(rows, "order/7", kOrder, OrderEvent::kShip, 0);
  CHECK(absl::IsAborted(stale.status()));
  CHECK(skald::Move(rows, "order/7", kOrder, OrderEvent::kShip, 1)->version == 2);
}

TEST_CASE("of many who move an entity at once each legal move happens once") {
  Orders o;
  std::atomic<int> moved{0};
  std::atomic<int> there{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          while (true) {
            Transaction rows = o.committer->Begin();
            const auto result =
                skald::Move(rows, "order/" + std::to_string(i), kOrder, OrderEvent::kPay);
            if (!result.ok() || !std::move(rows).Commit().ok()) continue;
            ++(result->kind == MoveKind::kMoved ? moved : there);
            break;
          }
        }
      });
    }
  }
  CHECK(moved == 50);
  CHECK(there == 350);
}

TEST_CASE("a row that does not read, or holds a state of no table, is told by name") {
  Orders o;
  Transaction rows = o.committer->Begin();
  rows.Put("order/7", "what");
  CHECK(absl::IsDataLoss(skald::Move(rows, "order/7", kOrder, OrderEvent::kPay).status()));
  rows.Put("order/7", std::string("\1\0\0\0\0\0\0\0\0\11\0", 11));
  CHECK(std::string(skald::StateOf(rows, "order/7", kOrder).status().message()) ==
        "'order/7' is in state 9, which its table does not have");
  CHECK(*skald::StateOf(rows, "order/8", kOrder) == OrderState::kPending);
}

TEST_CASE("a table draws itself") {
  CHECK(kOrder.ToMermaid() ==
        "stateDiagram-v2\n"
        "    pending --> paid : pay\n"
        "    pending --> cancelled : cancel\n"
        "    paid --> shipped : ship\n"
        "    paid --> refunded : refund\n"
        "    shipped --> refunded : refund\n"
        "    [*] --> pending\n"
        "    cancelled --> [*]\n"
        "    refunded --> [*]\n");
}

}  // namespace
}  // namespace skald_test
