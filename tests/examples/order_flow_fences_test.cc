// A warehouse's stock is written by the holder of its lease alone.
#include <array>
#include <memory>
#include <string>

#include "calls.h"
#include "catch.h"
#include "generator.h"
#include "skald/async/start_task.h"
#include "skald/store/memory_store.h"
#include "warehouses.h"

namespace example_tests {
namespace {

using order_flow::kStockPrefix;
using order_flow::kWarehouses;
using order_flow::Order;
using order_flow::OrderKind;
using order_flow::Parcel;
using order_flow::Participant;
using order_flow::StockRow;
using order_flow::Warehouses;
using skald::Nothing;
using skald::Verdict;
using skald::VerdictKind;

using Stores = std::array<std::shared_ptr<skald::Store>, kWarehouses>;

Stores FreshStores() {
  Stores stores;
  for (auto& store : stores) store = std::make_shared<skald::MemoryStore>();
  return stores;
}

// A process that runs all the warehouses, over databases that it shares with others.
struct Process {
  Process(const Stores& stores, const std::string& name) {
    for (uint8_t i = 0; i < kWarehouses; ++i) {
      auto opened = Participant::Over(stores[i], order_flow::WarehouseName(i),
                                      {.leased = true, .writer = name});
      REQUIRE(opened.ok());
      participants[i] = *std::move(opened);
    }
  }
  Participant& Of(const Parcel& parcel) { return *participants[parcel.warehouse]; }

  Warehouses::Participants participants;
  Warehouses warehouses{participants};
};

skald::StepContext StepOf(const Parcel& parcel, uint64_t saga) {
  skald::StepContext::Fields fields;
  fields.idempotency_key.store = skald::StoreId{7};
  fields.idempotency_key.saga = skald::SagaId{.hash = saga, .incarnation = skald::Incarnation{1}};
  fields.idempotency_key.index = parcel.warehouse;
  fields.step = "reserve-stock";
  return skald::StepContext(std::move(fields));
}

VerdictKind Reserve(Process& process, const Parcel& parcel, uint64_t saga) {
  const skald::StepContext step = StepOf(parcel, saga);
  return skald::SyncWait(process.warehouses.Reserve(step, parcel, false)).kind();
}

int64_t OnHand(skald::Store& store, const std::string& item) {
  const std::string key = order_flow::KeyOf(kStockPrefix, item);
  const auto row = store.Get(skald::Space::kRows, key);
  REQUIRE(row.ok());
  REQUIRE(row->has_value());
  const auto stock = order_flow::DecodeRow<StockRow>(key, (*row)->value);
  REQUIRE(stock.ok());
  return stock->on_hand;
}

// A parcel of the first sale.
Parcel AnyParcel(const order_flow::OrderSource& orders, std::string number) {
  size_t i = 0;
  while (orders.At(i).kind != OrderKind::kSale) ++i;
  Parcel parcel = order_flow::ParcelsOf(orders.At(i)).front();
  parcel.number = std::move(number);
  return parcel;
}

TEST_CASE("A holder that was passed over writes no stock, though it believes in its lease") {
  const Stores stores = FreshStores();
  const order_flow::GeneratedOrders orders(20, 1);
  Process first(stores, "first");
  REQUIRE(first.warehouses.SetUp(orders, std::nullopt).ok());
  const Parcel parcel = AnyParcel(orders, "1");
  const std::string item = parcel.items.front().code;
  skald::Store& store = *stores[parcel.warehouse];
  const int64_t before = OnHand(store, item);
  CHECK(Reserve(first, parcel, 1) == VerdictKind::kDone);
  const int64_t reserved = OnHand(store, item);
  CHECK(reserved == before - parcel.items.front().quantity);

  Process second(stores, "second");
  CHECK(first.Of(parcel).Holds());  // by its own clock
  CHECK(Reserve(first, AnyParcel(orders, "2"), 2) == VerdictKind::kRetryLater);
  CHECK(OnHand(store, item) == reserved);
  CHECK(Reserve(second, AnyParcel(orders, "2"), 2) == VerdictKind::kDone);
  CHECK(OnHand(store, item) == reserved - parcel.items.front().quantity);
  // What the first one did is on record for the second one.
  CHECK(Reserve(second, parcel, 1) == VerdictKind::kDone);
  CHECK(OnHand(store, item) == reserved - parcel.items.front().quantity);
}

TEST_CASE("A holder that is passed over between looking and writing writes nothing") {
  const Stores stores = FreshStores();
  const order_flow::GeneratedOrders orders(20, 1);
  Process first(stores, "first");
  const Parcel parcel = AnyParcel(orders, "1");
  const skald::StepContext step = StepOf(parcel, 1);
  std::unique_ptr<Process> second;
  int runs = 0;
  const auto paused = [&](skald::Transaction& rows, const Parcel&) {
    ++runs;
    second = std::make_unique<Process>(stores, "second");
    rows.Put("written", "by the first");
    return absl::OkStatus();
  };
  const Verdict<Nothing> verdict =
      skald::SyncWait(order_flow::Act<Nothing>(&first.Of(parcel), step, parcel, paused));
  CHECK(verdict.kind() == VerdictKind::kRetryLater);
  CHECK(runs == 1);
  const auto row = stores[parcel.warehouse]->Get(skald::Space::kRows, "written");
  REQUIRE(row.ok());
  CHECK_FALSE(row->has_value());
}

TEST_CASE("Who gives a warehouse up leaves it to the next one with all that was done") {
  const Stores stores = FreshStores();
  const order_flow::GeneratedOrders orders(20, 1);
  const Parcel parcel = AnyParcel(orders, "1");
  {
    Process first(stores, "one");
    REQUIRE(first.warehouses.SetUp(orders, std::nullopt).ok());
    REQUIRE(Reserve(first, parcel, 1) == VerdictKind::kDone);
  }
  Process second(stores, "one");
  const int64_t reserved = OnHand(*stores[parcel.warehouse], parcel.items.front().code);
  CHECK(Reserve(second, parcel, 1) == VerdictKind::kDone);
  CHECK(OnHand(*stores[parcel.warehouse], parcel.items.front().code) == reserved);
}

}  // namespace
}  // namespace example_tests
