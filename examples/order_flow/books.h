// The books: all business rows of the participants' databases, and the audit that holds them
// against each other.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "order_states.h"
#include "report.h"
#include "rows.h"
#include "skald/store/store.h"

namespace order_flow {

using Refusals = std::map<std::string, std::string>;  // order number → reason

struct Books {
  SetupRow setup;
  bool set_up = false;
  bool by_callback = false;  // sales are paid first, as the manifest says
  std::map<std::string, StockRow> stock;
  std::map<std::string, GoodsRow> goods;         // by order, of all its parcels
  std::map<std::string, GoodsRow> parcels;       // by warehouse and order, as they stand there
  std::map<std::string, std::string> scattered;  // orders whose parcels went different ways
  std::set<std::string> half_returned;           // orders that lack a parcel yet
  std::map<std::string, CouponRow> coupons;
  std::map<std::string, AccountRow> accounts;
  std::map<std::string, HoldRow> holds;
  std::map<std::string, PaymentRow> payments;
  std::map<std::string, RefundRow> refunds;
  std::map<std::string, HeldRow> held;
  std::map<std::string, Refusals> refused;  // by the step that refuses there
  std::map<std::string, PlacedRow> placed;
  std::map<std::string, StateRow> states;
  std::map<std::string, NoticeRow> notices;
  // By order: events that have not left yet, or may be on their way; as in a notice.
  std::map<std::string, NoticeRow> waiting;
  int64_t parked = 0;  // events that nobody takes
};

// The stores whose rows make the books.
struct BookStores {
  std::array<skald::Store*, kWarehouses> warehouses;
  skald::Store& coupons;
  skald::Store& points;
  skald::Store& payment;
  skald::Store& orders;
  skald::Store& mailer;
};

// Where a sale or a return is, to the business. REQUIRES: an order of that kind.
SaleState SaleStateOf(const Books& books, const std::string& number);
ReturnState ReturnStateOf(const Books& books, const std::string& number);

// Reads everything. RETURNS: DataLoss for a row that does not read; what a store says.
// COST: a scan of all rows, held in memory.
absl::StatusOr<Books> ReadBooks(const BookStores& stores);

// Opens only the participants' databases below `directory`, and reads them. Makes nothing.
absl::StatusOr<Books> OpenAndReadBooks(const std::string& directory);

// What the books say of orders, units and money. An order that is neither shipped nor undone counts
// as stuck: the books cannot tell it from one under way.
Report Summarise(const Books& books);

// Holds the books against each other, order by order and item by item. Orders under way are in
// order as far as they have come.
Audit CheckBooks(const Books& books);

}  // namespace order_flow
