#include "order_states.h"

#include "catch.h"
#include "rows.h"
#include "skald/store/memory_store.h"

namespace order_flow {
namespace {

using skald::MoveKind;

struct Entity {
  skald::MoveKind Move(SaleEvent event) {
    skald::Transaction rows = committer->Begin();
    const auto moved = skald::Move(rows, "state/1", kSaleTable, event);
    REQUIRE(moved.ok());
    REQUIRE(std::move(rows).Commit().ok());
    return moved->kind;
  }

  skald::MemoryStore store;
  std::unique_ptr<skald::Committer> committer = *skald::Committer::Open(store);
};

TEST_CASE("A paid order is already paid, a cancelled one may not be paid") {
  Entity paid;
  CHECK(paid.Move(SaleEvent::kPay) == MoveKind::kMoved);
  CHECK(paid.Move(SaleEvent::kPay) == MoveKind::kAlreadyThere);
  CHECK(paid.Move(SaleEvent::kShip) == MoveKind::kMoved);
  CHECK(paid.Move(SaleEvent::kPay) == MoveKind::kAlreadyThere);
  CHECK(paid.Move(SaleEvent::kCancel) == MoveKind::kIllegal);
  Entity cancelled;
  CHECK(cancelled.Move(SaleEvent::kCancel) == MoveKind::kMoved);
  CHECK(cancelled.Move(SaleEvent::kPay) == MoveKind::kIllegal);
}

TEST_CASE("The books read a state as the library writes it") {
  Entity order;
  order.Move(SaleEvent::kPay);
  order.Move(SaleEvent::kShip);
  const auto row = order.committer->Get("state/1");
  REQUIRE(row.ok());
  REQUIRE(row->has_value());
  const auto state = DecodeRow<StateRow>("state/1", (*row)->value);
  REQUIRE(state.ok());
  CHECK(state->version == 2);
  CHECK(static_cast<SaleState>(state->state) == SaleState::kShipped);
  CHECK(state->happened == std::vector<std::pair<uint8_t, uint8_t>>{{1, 2}, {3, 4}});
  CHECK_FALSE(DecodeRow<StateRow>("state/1", (*row)->value.substr(1)).ok());
  CHECK_FALSE(DecodeRow<StateRow>("state/1", (*row)->value + "x").ok());
}

TEST_CASE("Each state is told under a topic of its own") {
  CHECK(TopicOf(SaleState::kPaid) == "order.paid");
  CHECK(TopicOf(SaleState::kShipped) == "order.shipped");
  CHECK(TopicOf(ReturnState::kReturned) == "order.returned");
}

}  // namespace
}  // namespace order_flow
