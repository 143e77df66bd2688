#include "warehouses.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "calls.h"
#include "skald/base/transition_table.h"

namespace order_flow {
namespace {

using skald::Nothing;
using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

enum class GoodsEvent : uint8_t { kConfirm, kTakeBack, kShip, kRelease };

constexpr skald::TransitionTable kGoods(std::to_array<skald::Transition<GoodsState, GoodsEvent>>({
    {GoodsState::kReserved, GoodsEvent::kConfirm, GoodsState::kSold},
    {GoodsState::kReserved, GoodsEvent::kRelease, GoodsState::kReleased},
    {GoodsState::kSold, GoodsEvent::kTakeBack, GoodsState::kReserved},
    {GoodsState::kSold, GoodsEvent::kShip, GoodsState::kShipped},
}));

constexpr size_t kRowsPerCommit = 1000;

// Adds `change` to the stock row of each item. `change` gets the row and the item's quantity.
template <typename Change>
absl::Status MoveStock(Transaction& rows, const std::vector<OrderItem>& items, Change change) {
  for (const OrderItem& item : items) {
    const std::string key = KeyOf(kStockPrefix, item.code);
    SKALD_ASSIGN_OR_RETURN(std::optional<StockRow> stock, GetRow<StockRow>(rows, key));
    if (!stock) {
      return absl::FailedPreconditionError(fmt::format("there is no stock row '{}'", key));
    }
    change(*stock, item.quantity);
    rows.Put(key, EncodeRow(*stock));
  }
  return absl::OkStatus();
}

// Moves a parcel to the next state.
absl::StatusOr<GoodsRow> MoveGoods(Transaction& rows, const Parcel& parcel, GoodsEvent event) {
  const std::string key = KeyOf(kGoodsPrefix, parcel.number);
  SKALD_ASSIGN_OR_RETURN(std::optional<GoodsRow> goods, GetRow<GoodsRow>(rows, key));
  const std::optional<GoodsState> next =
      goods ? kGoods.Next(goods->state, event) : std::optional<GoodsState>();
  if (!next) {
    return absl::FailedPreconditionError(
        fmt::format("order {}: its goods cannot go this way from where they are", parcel.number));
  }
  goods->state = *next;
  rows.Put(key, EncodeRow(*goods));
  return *std::move(goods);
}

GoodsRow GoodsOf(const Parcel& parcel, GoodsState state) {
  return {state, parcel.parcels, parcel.total, parcel.registered, parcel.coupon, parcel.items};
}

std::string OutOfStock(const OrderItem& item, int64_t there) {
  return fmt::format("out of stock: {} of {} wanted, {} there", item.quantity, item.code, there);
}

absl::StatusOr<Decision<Nothing>> ReserveRows(Transaction& rows, const Parcel& parcel,
                                              bool refuse) {
  const std::string key = KeyOf(kGoodsPrefix, parcel.number);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> placed, rows.Get(key));
  if (placed) {
    return absl::FailedPreconditionError(
        fmt::format("order {} was placed before, by another saga", parcel.number));
  }
  if (refuse) return Refuse<Nothing>(rows, parcel.number, "refused on purpose");
  // All are read and checked before the first is written.
  std::vector<StockRow> stock;
  for (const OrderItem& item : parcel.items) {
    SKALD_ASSIGN_OR_RETURN(const std::optional<StockRow> row,
                           GetRow<StockRow>(rows, KeyOf(kStockPrefix, item.code)));
    if (!row || row->on_hand < item.quantity) {
      return Refuse<Nothing>(rows, parcel.number, OutOfStock(item, row ? row->on_hand : 0));
    }
    stock.push_back(*row);
  }
  for (size_t i = 0; i < stock.size(); ++i) {
    stock[i].on_hand -= parcel.items[i].quantity;
    stock[i].reserved += parcel.items[i].quantity;
    rows.Put(KeyOf(kStockPrefix, parcel.items[i].code), EncodeRow(stock[i]));
  }
  rows.Put(key, EncodeRow(GoodsOf(parcel, GoodsState::kReserved)));
  return Decision<Nothing>{};
}

absl::Status ReleaseRows(Transaction& rows, const Parcel& parcel) {
  SKALD_ASSIGN_OR_RETURN(const GoodsRow goods, MoveGoods(rows, parcel, GoodsEvent::kRelease));
  return MoveStock(rows, goods.items, [](StockRow& stock, int64_t units) {
    stock.on_hand += units;
    stock.reserved -= units;
  });
}

absl::StatusOr<Decision<Nothing>> ConfirmRows(Transaction& rows, const Parcel& parcel,
                                              bool refuse) {
  if (refuse) return Decision<Nothing>{"refused on purpose", {}};
  SKALD_ASSIGN_OR_RETURN(const GoodsRow goods, MoveGoods(rows, parcel, GoodsEvent::kConfirm));
  SKALD_RETURN_IF_ERROR(MoveStock(rows, goods.items, [](StockRow& stock, int64_t units) {
    stock.reserved -= units;
    stock.sold += units;
  }));
  return Decision<Nothing>{};
}

absl::Status TakeBackRows(Transaction& rows, const Parcel& parcel) {
  SKALD_ASSIGN_OR_RETURN(const GoodsRow goods, MoveGoods(rows, parcel, GoodsEvent::kTakeBack));
  return MoveStock(rows, goods.items, [](StockRow& stock, int64_t units) {
    stock.reserved += units;
    stock.sold -= units;
  });
}

absl::StatusOr<Decision<Nothing>> ShipRows(Transaction& rows, const Parcel& parcel, bool refuse) {
  if (refuse) return Decision<Nothing>{"refused on purpose", {}};
  SKALD_RETURN_IF_ERROR(MoveGoods(rows, parcel, GoodsEvent::kShip).status());
  return Decision<Nothing>{};
}

absl::Status RestockRows(Transaction& rows, const Parcel& parcel) {
  const std::string key = KeyOf(kGoodsPrefix, parcel.number);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(key));
  if (before) {
    return absl::FailedPreconditionError(
        fmt::format("return {} was taken in before, by another saga", parcel.number));
  }
  SKALD_RETURN_IF_ERROR(MoveStock(rows, parcel.items, [](StockRow& stock, int64_t units) {
    stock.on_hand += units;
    stock.returned += units;
  }));
  rows.Put(key, EncodeRow(GoodsOf(parcel, GoodsState::kReturned)));
  return absl::OkStatus();
}

int64_t FirstStock(int64_t demand, std::optional<double> fraction) {
  if (!fraction) return kUnlimitedStock;
  return static_cast<int64_t>(std::floor(static_cast<double>(demand) * *fraction));
}

std::vector<OrderItem> Listed(const std::map<std::string, int64_t>& counts) {
  std::vector<OrderItem> list;
  for (const auto& [name, count] : counts) list.push_back({name, count});
  return list;
}

}  // namespace

std::string WarehouseName(uint8_t warehouse) {
  return fmt::format("warehouse-{}", warehouse + 1);
}

absl::Status Warehouses::SetUp(const OrderSource& orders, std::optional<double> fraction) {
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_RETURN_IF_ERROR(SetUpOne(i, orders, fraction));
  }
  return absl::OkStatus();
}

absl::Status Warehouses::SetUpOne(uint8_t warehouse, const OrderSource& orders,
                                  std::optional<double> fraction) {
  skald::Committer& committer = participants_[warehouse]->committer();
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> done,
                         committer.Get(std::string(kSetupKey)));
  if (done) return absl::OkStatus();
  // A crash on the way leaves rows that the next attempt writes again: no order has begun.
  const Participant& participant = *participants_[warehouse];
  skald::Transaction rows = committer.Begin();
  int64_t written = 0;
  for (const auto& [item, demand] : orders.demand()) {
    if (WarehouseOf(item) != warehouse) continue;
    const int64_t units = FirstStock(demand, fraction);
    rows.Put(KeyOf(kStockPrefix, item), EncodeRow(StockRow{.initial = units, .on_hand = units}));
    if (++written % kRowsPerCommit == 0) {
      SKALD_RETURN_IF_ERROR(participant.Guard(rows));
      SKALD_RETURN_IF_ERROR(std::move(rows).Commit());
      rows = committer.Begin();
    }
  }
  const IntakeCounts& counts = orders.counts();
  const SetupRow setup{.stock_rows = written,
                       .lines_read = counts.lines_read,
                       .invoices = counts.invoices,
                       .lines_dropped = Listed(counts.lines_dropped),
                       .orders_refused = Listed(counts.orders_refused)};
  rows.Put(kSetupKey, EncodeRow(setup));
  SKALD_RETURN_IF_ERROR(participant.Guard(rows));
  return std::move(rows).Commit();
}

Task<Verdict<Nothing>> Warehouses::Reserve(const StepContext& step, const Parcel& parcel,
                                           bool refuse) {
  return Decide<Nothing>(&Of(parcel), step, parcel,
                         [refuse](Transaction& rows, const Parcel& wanted) {
                           return ReserveRows(rows, wanted, refuse);
                         });
}

Task<Verdict<Nothing>> Warehouses::Release(const StepContext& step, const Parcel& parcel) {
  using Reserved = Decision<Nothing>;
  return Undo<Reserved>(&Of(parcel), step, parcel,
                        [](Transaction& rows, const Parcel& undone, const Reserved& reserved) {
                          return reserved.refusal.empty() ? ReleaseRows(rows, undone)
                                                          : absl::OkStatus();
                        });
}

Task<Verdict<Nothing>> Warehouses::Confirm(const StepContext& step, const Parcel& parcel,
                                           bool refuse) {
  return Decide<Nothing>(
      &Of(parcel), step, parcel,
      [refuse](Transaction& rows, const Parcel& sold) { return ConfirmRows(rows, sold, refuse); });
}

Task<Verdict<Nothing>> Warehouses::TakeBack(const StepContext& step, const Parcel& parcel) {
  using Confirmed = Decision<Nothing>;
  return Undo<Confirmed>(&Of(parcel), step, parcel,
                         [](Transaction& rows, const Parcel& undone, const Confirmed& confirmed) {
                           return confirmed.refusal.empty() ? TakeBackRows(rows, undone)
                                                            : absl::OkStatus();
                         });
}

Task<Verdict<Nothing>> Warehouses::MarkShipped(const StepContext& step, const Parcel& parcel,
                                               bool refuse) {
  return Decide<Nothing>(&Of(parcel), step, parcel,
                         [refuse](Transaction& rows, const Parcel& leaving) {
                           return ShipRows(rows, leaving, refuse);
                         });
}

Task<Verdict<Nothing>> Warehouses::Shipped(const StepContext& step, const Parcel& parcel) {
  return Ask<Nothing>(&Of(parcel), step, parcel);
}

Task<Verdict<Nothing>> Warehouses::Restock(const StepContext& step, const Parcel& parcel) {
  return Act<Nothing>(&Of(parcel), step, parcel, RestockRows);
}

Verdict<Nothing> Warehouses::CheckReturn(const Order& order) {
  for (const OrderItem& item : order.items) {
    Participant& warehouse = *participants_[WarehouseOf(item.code)];
    const auto stock = warehouse.committer().Get(KeyOf(kStockPrefix, item.code));
    if (!stock.ok()) return skald::RetryLater(std::string(stock.status().message()));
    if (!*stock) return skald::Rejected(fmt::format("{} is not sold here", item.code));
  }
  return Nothing{};
}

}  // namespace order_flow
