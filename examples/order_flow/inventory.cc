#include "inventory.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "skald/base/transition_table.h"

namespace order_flow {
namespace {

using skald::Nothing;
using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

enum class GoodsEvent : uint8_t { kConfirm, kShip, kRelease };

constexpr skald::TransitionTable kGoods(std::to_array<skald::Transition<GoodsState, GoodsEvent>>({
    {GoodsState::kReserved, GoodsEvent::kConfirm, GoodsState::kSold},
    {GoodsState::kReserved, GoodsEvent::kRelease, GoodsState::kReleased},
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

// Moves an order's goods to the next state.
absl::StatusOr<GoodsRow> MoveGoods(Transaction& rows, const Order& order, GoodsEvent event) {
  const std::string key = KeyOf(kGoodsPrefix, order.number);
  SKALD_ASSIGN_OR_RETURN(std::optional<GoodsRow> goods, GetRow<GoodsRow>(rows, key));
  const std::optional<GoodsState> next =
      goods ? kGoods.Next(goods->state, event) : std::optional<GoodsState>();
  if (!next) {
    return absl::FailedPreconditionError(
        fmt::format("order {}: its goods cannot go this way from where they are", order.number));
  }
  goods->state = *next;
  rows.Put(key, EncodeRow(*goods));
  return *std::move(goods);
}

GoodsRow GoodsOf(const Order& order, GoodsState state) {
  return {state, order.total, !order.guest(), order.coupon, order.items};
}

std::string OutOfStock(const OrderItem& item, int64_t there) {
  return fmt::format("out of stock: {} of {} wanted, {} there", item.quantity, item.code, there);
}

absl::StatusOr<Decision<Nothing>> ReserveRows(Transaction& rows, const Order& order, bool refuse) {
  const std::string key = KeyOf(kGoodsPrefix, order.number);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> placed, rows.Get(key));
  if (placed) {
    return absl::FailedPreconditionError(
        fmt::format("order {} was placed before, by another saga", order.number));
  }
  if (refuse) return Refuse<Nothing>(rows, order, "refused on purpose");
  // All are read and checked before the first is written.
  std::vector<StockRow> stock;
  for (const OrderItem& item : order.items) {
    SKALD_ASSIGN_OR_RETURN(const std::optional<StockRow> row,
                           GetRow<StockRow>(rows, KeyOf(kStockPrefix, item.code)));
    if (!row || row->on_hand < item.quantity) {
      return Refuse<Nothing>(rows, order, OutOfStock(item, row ? row->on_hand : 0));
    }
    stock.push_back(*row);
  }
  for (size_t i = 0; i < stock.size(); ++i) {
    stock[i].on_hand -= order.items[i].quantity;
    stock[i].reserved += order.items[i].quantity;
    rows.Put(KeyOf(kStockPrefix, order.items[i].code), EncodeRow(stock[i]));
  }
  rows.Put(key, EncodeRow(GoodsOf(order, GoodsState::kReserved)));
  return Decision<Nothing>{};
}

absl::Status ReleaseRows(Transaction& rows, const Order& order) {
  SKALD_ASSIGN_OR_RETURN(const GoodsRow goods, MoveGoods(rows, order, GoodsEvent::kRelease));
  return MoveStock(rows, goods.items, [](StockRow& stock, int64_t units) {
    stock.on_hand += units;
    stock.reserved -= units;
  });
}

absl::Status ConfirmRows(Transaction& rows, const Order& order) {
  SKALD_ASSIGN_OR_RETURN(const GoodsRow goods, MoveGoods(rows, order, GoodsEvent::kConfirm));
  return MoveStock(rows, goods.items, [](StockRow& stock, int64_t units) {
    stock.reserved -= units;
    stock.sold += units;
  });
}

absl::Status RestockRows(Transaction& rows, const Order& order) {
  const std::string key = KeyOf(kGoodsPrefix, order.number);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(key));
  if (before) {
    return absl::FailedPreconditionError(
        fmt::format("return {} was taken in before, by another saga", order.number));
  }
  SKALD_RETURN_IF_ERROR(MoveStock(rows, order.items, [](StockRow& stock, int64_t units) {
    stock.on_hand += units;
    stock.returned += units;
  }));
  rows.Put(key, EncodeRow(GoodsOf(order, GoodsState::kReturned)));
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

absl::Status Inventory::SetUp(const OrderSource& orders, std::optional<double> fraction) {
  skald::Committer& committer = participant_.committer();
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> done,
                         committer.Get(std::string(kSetupKey)));
  if (done) return absl::OkStatus();
  // A crash on the way leaves rows that the next attempt writes again: no order has begun.
  skald::Transaction rows = committer.Begin();
  size_t pending = 0;
  for (const auto& [item, demand] : orders.demand()) {
    const int64_t units = FirstStock(demand, fraction);
    rows.Put(KeyOf(kStockPrefix, item), EncodeRow(StockRow{.initial = units, .on_hand = units}));
    if (++pending % kRowsPerCommit == 0) {
      SKALD_RETURN_IF_ERROR(std::move(rows).Commit());
      rows = committer.Begin();
    }
  }
  const IntakeCounts& counts = orders.counts();
  const SetupRow setup{.stock_rows = static_cast<int64_t>(orders.demand().size()),
                       .lines_read = counts.lines_read,
                       .invoices = counts.invoices,
                       .lines_dropped = Listed(counts.lines_dropped),
                       .orders_refused = Listed(counts.orders_refused)};
  rows.Put(kSetupKey, EncodeRow(setup));
  return std::move(rows).Commit();
}

Task<Verdict<Nothing>> Inventory::Reserve(const StepContext& step, const Order& order,
                                          bool refuse) {
  auto body = [&order, refuse](Transaction& rows) { return ReserveRows(rows, order, refuse); };
  return Decide<Nothing>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Nothing>> Inventory::Release(const StepContext& step, const Order& order) {
  auto body = [&order](Transaction& rows, const Decision<Nothing>& reserved) {
    return reserved.refusal.empty() ? ReleaseRows(rows, order) : absl::OkStatus();
  };
  return Undo<Decision<Nothing>>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Nothing>> Inventory::Confirm(const StepContext& step, const Order& order) {
  auto body = [&order](Transaction& rows) { return ConfirmRows(rows, order); };
  return Act<Nothing>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Nothing>> Inventory::MarkShipped(const StepContext& step, const Order& order) {
  auto body = [&order](Transaction& rows) {
    return MoveGoods(rows, order, GoodsEvent::kShip).status();
  };
  return Act<Nothing>(&participant_.barrier(), RequestOf(step, order), body);
}

Task<Verdict<Nothing>> Inventory::Restock(const StepContext& step, const Order& order) {
  auto body = [&order](Transaction& rows) { return RestockRows(rows, order); };
  return Act<Nothing>(&participant_.barrier(), RequestOf(step, order), body);
}

Verdict<Nothing> Inventory::CheckReturn(const Order& order) {
  for (const OrderItem& item : order.items) {
    const auto stock = participant_.committer().Get(KeyOf(kStockPrefix, item.code));
    if (!stock.ok()) return skald::RetryLater(std::string(stock.status().message()));
    if (!*stock) return skald::Rejected(fmt::format("{} is not sold here", item.code));
  }
  return Nothing{};
}

}  // namespace order_flow
