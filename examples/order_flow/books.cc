#include "books.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "sagas.h"
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

absl::Status ReadSetup(skald::Store& store, Books& books) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> row,
                         store.Get(skald::Space::kRows, kSetupKey));
  books.set_up = row.has_value();
  if (!row) return absl::OkStatus();
  SKALD_ASSIGN_OR_RETURN(books.setup, DecodeRow<SetupRow>(kSetupKey, row->value));
  return absl::OkStatus();
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
      ++(is_return ? report.returns_compensated[std::string(Refund::name())]
                   : report.sales_compensated[step]);
    }
  }
}

bool IsRefused(const Books& books, const std::string& number) {
  for (const auto& [step, refusals] : books.refused) {
    if (refusals.contains(number)) return true;
  }
  return false;
}

void CountGoods(const Books& books, Report& report) {
  for (const auto& [number, goods] : books.goods) {
    switch (goods.state) {
      case GoodsState::kShipped:
        ++report.sales_completed;
        break;
      case GoodsState::kReturned:
        ++report.returns_completed;
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

}  // namespace

absl::StatusOr<Books> ReadBooks(const BookStores& stores) {
  Books books;
  SKALD_RETURN_IF_ERROR(ReadSetup(stores.inventory, books));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.inventory, kStockPrefix, books.stock));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.inventory, kGoodsPrefix, books.goods));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.coupons, kCouponPrefix, books.coupons));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.points, kAccountPrefix, books.accounts));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.points, kHoldPrefix, books.holds));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.payment, kPaymentPrefix, books.payments));
  SKALD_RETURN_IF_ERROR(ReadRows(stores.payment, kRefundPrefix, books.refunds));
  const auto refusals = [&](skald::Store& store, std::string_view step) {
    return ReadRefusals(store, books.refused[std::string(step)]);
  };
  SKALD_RETURN_IF_ERROR(refusals(stores.inventory, ReserveStock::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.coupons, RedeemCoupon::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.points, FreezePoints::name()));
  SKALD_RETURN_IF_ERROR(refusals(stores.payment, Charge::name()));
  return books;
}

absl::StatusOr<Books> OpenAndReadBooks(const std::string& directory) {
  SKALD_ASSIGN_OR_RETURN(const auto inventory, OpenOne(directory, "inventory"));
  SKALD_ASSIGN_OR_RETURN(const auto coupons, OpenOne(directory, "coupons"));
  SKALD_ASSIGN_OR_RETURN(const auto points, OpenOne(directory, "points"));
  SKALD_ASSIGN_OR_RETURN(const auto payment, OpenOne(directory, "payment"));
  return ReadBooks({*inventory, *coupons, *points, *payment});
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
  for (const auto& [item, stock] : books.stock) {
    report.units_sold += stock.sold;
    report.units_returned += stock.returned;
    report.items_sold += stock.sold > 0;
  }
  return report;
}

}  // namespace order_flow
