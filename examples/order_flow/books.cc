#include "books.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "sagas.h"
#include "skald/base/bytes.h"
#include "skald/base/status.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace order_flow {
namespace {

// The first key behind all that begin with `prefix`.
std::string After(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  return end;
}

// Calls visit(name, value) for each row under `prefix`.
template <typename Visitor>
absl::Status ForEachRow(skald::Store& store, std::string_view prefix, Visitor visit) {
  const skald::KeyRange range{std::string(prefix), After(prefix)};
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<skald::Cursor> cursor,
                         store.Scan(skald::Space::kRows, range));
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_RETURN_IF_ERROR(visit(std::string(cursor->key().substr(prefix.size())), cursor->value()));
  }
  return cursor->status();
}

template <typename Row>
absl::Status ReadRows(skald::Store& store, std::string_view prefix,
                      std::map<std::string, Row>& into) {
  return ForEachRow(store, prefix, [&](std::string name, std::string_view value) -> absl::Status {
    SKALD_ASSIGN_OR_RETURN(Row row, DecodeRow<Row>(KeyOf(prefix, name), value));
    into.emplace_hint(into.end(), std::move(name), std::move(row));
    return absl::OkStatus();
  });
}

absl::Status ReadRefusals(skald::Store& store, Refusals& into) {
  return ForEachRow(store, kRefusedPrefix, [&](std::string name, std::string_view reason) {
    into.emplace_hint(into.end(), std::move(name), std::string(reason));
    return absl::OkStatus();
  });
}

// Whatever is of the input stands alike in each warehouse.
absl::Status ReadSetup(skald::Store& store, Books& books) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> row,
                         store.Get(skald::Space::kRows, kSetupKey));
  books.set_up = books.set_up && row.has_value();
  if (!row) return absl::OkStatus();
  const int64_t rows_before = books.setup.stock_rows;
  SKALD_ASSIGN_OR_RETURN(books.setup, DecodeRow<SetupRow>(kSetupKey, row->value));
  books.setup.stock_rows += rows_before;
  return absl::OkStatus();
}

// Where an order stands whose parcels stand like this; nothing: they went different ways.
std::optional<GoodsState> Together(GoodsState a, GoodsState b) {
  const auto both = [&](GoodsState x, GoodsState y) {
    return (a == x && b == y) || (a == y && b == x);
  };
  if (a == b) return a;
  // On its way forward it is paid for; on its way back it still has something.
  if (both(GoodsState::kReserved, GoodsState::kSold)) return GoodsState::kSold;
  if (both(GoodsState::kReserved, GoodsState::kShipped)) return GoodsState::kSold;
  if (both(GoodsState::kSold, GoodsState::kShipped)) return GoodsState::kSold;
  if (both(GoodsState::kReserved, GoodsState::kReleased)) return GoodsState::kReserved;
  return std::nullopt;
}

void AddParcel(Books& books, const std::string& number, const GoodsRow& parcel) {
  const auto [at, fresh] = books.goods.try_emplace(number, parcel);
  GoodsRow& order = at->second;
  if (fresh) {
    order.parcels = 1;  // counted from here on
    return;
  }
  ++order.parcels;
  order.items.insert(order.items.end(), parcel.items.begin(), parcel.items.end());
  if (const std::optional<GoodsState> state = Together(order.state, parcel.state)) {
    order.state = *state;
  } else {
    books.scattered[number] = "its parcels went different ways";
  }
}

absl::Status ReadWarehouse(skald::Store& store, uint8_t warehouse, Books& books) {
  SKALD_RETURN_IF_ERROR(ReadSetup(store, books));
  SKALD_RETURN_IF_ERROR(ReadRows(store, kStockPrefix, books.stock));
  std::map<std::string, GoodsRow> goods;
  SKALD_RETURN_IF_ERROR(ReadRows(store, kGoodsPrefix, goods));
  for (const auto& [number, parcel] : goods) {
    AddParcel(books, number, parcel);
    books.parcels.emplace(fmt::format("{} in {}", number, WarehouseName(warehouse)), parcel);
  }
  return ReadRefusals(store, books.refused[std::string(ReserveStock::name())]);
}

// An order that went through has every parcel that it should have.
void CheckParcels(const std::map<std::string, GoodsRow>& parcels, Books& books) {
  for (const auto& [name, parcel] : parcels) {
    const std::string number = name.substr(0, name.find(' '));
    const GoodsRow& order = books.goods.at(number);
    const bool through = order.state == GoodsState::kSold || order.state == GoodsState::kShipped;
    if (through && order.parcels != parcel.parcels) {
      books.scattered[number] =
          fmt::format("it has {} parcels of {}", order.parcels, parcel.parcels);
    }
    // Goods that come back have no row before.
    const bool back = order.state == GoodsState::kReturned;
    if (back && order.parcels != parcel.parcels) books.half_returned.insert(number);
  }
}

// What the outbox holds, by docs/formats/participants.md.
absl::Status ReadOutbox(skald::Store& store, Books& books) {
  const std::string prefix = fmt::format("~o/{}/", kOutboxName);
  SKALD_RETURN_IF_ERROR(
      ForEachRow(store, prefix + "m", [&](const std::string& id, std::string_view value) {
        skald::ByteReader in(value);
        in.Raw(1 + sizeof(uint64_t));  // its form, and when it was added
        const std::string number(in.String());
        const std::string topic(in.String());
        skald::ByteReader key(id);
        const auto number_of_message = static_cast<int64_t>(key.Big<uint64_t>());
        if (!in.ok() || !key.ok()) return absl::DataLossError("an event does not read");
        books.waiting[number].events.push_back({topic, number_of_message});
        return absl::OkStatus();
      }));
  return ForEachRow(store, prefix + "p", [&](const std::string&, std::string_view) {
    ++books.parked;
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<skald::Store>> OpenOne(const std::string& directory,
                                                      const char* name) {
  skald::RocksDbOptions options;
  options.create_if_missing = false;
  options.memory_bytes = size_t{64} << 20;
  return skald::OpenRocksDbStore(fmt::format("{}/{}", directory, name), options);
}

std::map<std::string, int64_t> Counts(const std::vector<OrderItem>& list) {
  std::map<std::string, int64_t> counts;
  for (const OrderItem& entry : list) counts[entry.code] = entry.quantity;
  return counts;
}

void CountRefusals(const Books& books, Report& report) {
  for (const auto& [step, refusals] : books.refused) {
    for (const auto& [number, reason] : refusals) {
      const bool is_return = number.starts_with('C');
      const bool at_payment = step == Charge::name();
      const std::string at = is_return && at_payment ? std::string(Refund::name()) : step;
      ++(is_return ? report.returns_compensated : report.sales_compensated)[at];
    }
  }
}

bool IsRefused(const Books& books, const std::string& number) {
  for (const auto& [step, refusals] : books.refused) {
    if (refusals.contains(number)) return true;
  }
  return false;
}

// Its goods have left, and its points are settled, and it is known to be shipped.
bool IsThrough(const Books& books, const std::string& number) {
  const auto hold = books.holds.find(number);
  const bool frozen = hold != books.holds.end() && hold->second.state == HoldState::kFrozen;
  const SaleState state = SaleStateOf(books, number);
  return !frozen && (state == SaleState::kShipped || state == SaleState::kSigned);
}
bool IsTakenIn(const Books& books, const std::string& number) {
  return !books.half_returned.contains(number) &&
         ReturnStateOf(books, number) == ReturnState::kReturned;
}

void CountGoods(const Books& books, Report& report) {
  for (const auto& [number, goods] : books.goods) {
    switch (goods.state) {
      case GoodsState::kShipped:
        ++(IsThrough(books, number) ? report.sales_completed : report.stuck);
        break;
      case GoodsState::kReturned:
        ++(IsTakenIn(books, number) ? report.returns_completed : report.stuck);
        break;
      case GoodsState::kReserved:
      case GoodsState::kSold:
        ++report.stuck;
        break;
      case GoodsState::kReleased:
        // Undone, though nobody refused: a step gave up trying.
        if (!IsRefused(books, number)) ++report.sales_compensated["gave-up"];
        break;
    }
  }
}

template <typename State>
State StateIn(const Books& books, const std::string& number, State initial) {
  const auto found = books.states.find(number);
  return found == books.states.end() ? initial : static_cast<State>(found->second.state);
}

}  // namespace

SaleState SaleStateOf(const Books& books, const std::string& number) {
  return StateIn(books, number, kSaleTable.initial());
}
ReturnState ReturnStateOf(const Books& books, const std::string& number) {
  return StateIn(books, number, kReturnTable.initial());
}

absl::StatusOr<Books> ReadBooks(const BookStores& stores) {
  Books books;
  books.set_up = true;
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_RETURN_IF_ERROR(ReadWarehouse(*stores.warehouses[i], i, books));
  }
  CheckParcels(books.parcels, books);
  SKALD_RETURN_IF_ERROR(ReadRows(stores.coupons, kCouponPrefix, books.coupons));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.points, kAccountPrefix, books.accounts));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.points, kHoldPrefix, books.holds));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.payment, kPaymentPrefix, books.payments));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.payment, kRefundPrefix, books.refunds));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.payment, kHeldPrefix, books.held));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.orders, kPlacedPrefix, books.placed));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.orders, kStatePrefix, books.states));
  // What has left is looked for behind what has not: nothing falls between.
  SKALD_RETURN_IF_ERROR(ReadOutbox(stores.orders, books));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.mailer, kNoticePrefix, books.notices));
  const auto refusals = [&](skald::Store& store, std::string_view step) {
    return ReadRefusals(store, books.refused[std::string(step)]);
  };
  SKALD_RETURN_IF_ERROR(refusals(stores.orders, OpenOrder::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.coupons, RedeemCoupon::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.points, FreezePoints::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.payment, Charge::name()));
  return books;
}

absl::StatusOr<Books> OpenAndReadBooks(const std::string& directory) {
  std::array<std::unique_ptr<skald::Store>, kWarehouses> warehouses;
  std::array<skald::Store*, kWarehouses> opened{};
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_ASSIGN_OR_RETURN(warehouses[i], OpenOne(directory, WarehouseName(i).c_str()));
    opened[i] = warehouses[i].get();
  }
  SKALD_ASSIGN_OR_RETURN(const auto coupons, OpenOne(directory, "coupons"));
  SKALD_ASSIGN_OR_RETURN(const auto points, OpenOne(directory, "points"));
  SKALD_ASSIGN_OR_RETURN(const auto payment, OpenOne(directory, "payment"));
  SKALD_ASSIGN_OR_RETURN(const auto orders, OpenOne(directory, "orders"));
  SKALD_ASSIGN_OR_RETURN(const auto mailer, OpenOne(directory, "mailer"));
  return ReadBooks({opened, *coupons, *points, *payment, *orders, *mailer});
}

Report Summarise(const Books& books) {
  Report report;
  report.intake.lines_read = books.setup.lines_read;
  report.intake.invoices = books.setup.invoices;
  report.intake.lines_dropped = Counts(books.setup.lines_dropped);
  report.intake.orders_refused = Counts(books.setup.orders_refused);
  CountGoods(books, report);
  CountRefusals(books, report);
  for (const auto& [number, refund] : books.refunds) {
    if (!books.goods.contains(number)) ++report.stuck;
    report.refunded += refund.amount;
  }
  for (const auto& [number, payment] : books.payments) report.revenue += payment.total;
  for (const auto& [number, held] : books.held) {
    report.payments_given_back += held.state == HeldState::kGivenBack;
  }
  for (const auto& [item, stock] : books.stock) {
    report.units_sold += stock.sold;
    report.units_returned += stock.returned;
    report.items_sold += stock.sold > 0;
  }
  return report;
}

}  // namespace order_flow
