// The books: all business rows of the participants' databases.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "order_states.h"
#include "rows.h"
#include "skald/store/store.h"

namespace order_flow {

using Refusals = std::map<std::string, std::string>;  // order number → reason

// The orders from one number up to another.
struct OrderRange {
  std::string from;               // empty: from the first on
  std::optional<std::string> to;  // nothing: up to the last
};

// What is of a part of the orders.
struct OrderBooks {
  std::map<std::string, GoodsRow> goods;         // by order, of all its parcels
  std::map<std::string, GoodsRow> parcels;       // by warehouse and order, as they stand there
  std::map<std::string, std::string> scattered;  // orders whose parcels went different ways
  std::set<std::string> half_returned;           // orders that lack a parcel yet
  std::map<std::string, CouponRow> coupons;
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
};

// And what is of no order.
struct Books : OrderBooks {
  SetupRow setup;
  bool set_up = false;
  std::map<std::string, StockRow> stock;
  std::map<std::string, AccountRow> accounts;
  int64_t parked = 0;  // events that nobody takes

  OrderBooks& orders() { return *this; }
};

// The stores whose rows make the books.
struct BookStores {
  std::array<skald::Store*, kWarehouses> warehouses{};
  skald::Store* coupons = nullptr;
  skald::Store* points = nullptr;
  skald::Store* payment = nullptr;
  skald::Store* orders = nullptr;
  skald::Store* mailer = nullptr;
};

// Where a sale or a return is, to the business. REQUIRES: an order of that kind.
SaleState SaleStateOf(const Books& books, const std::string& number);
ReturnState ReturnStateOf(const Books& books, const std::string& number);

// Reads the books: what is of no order at once, orders a thousand at a time, by their numbers.
//
//   SKALD_ASSIGN_OR_RETURN(BookReader reader, BookReader::Open(stores));
//   while (true) {
//     SKALD_ASSIGN_OR_RETURN(const bool more, reader.Next());
//     if (!more) break;
//     … reader.books() …
//   }
//
// All of it returns DataLoss for a row that does not read, and what a store says. Nothing is
// written meanwhile.
class BookReader {
 public:
  static absl::StatusOr<BookReader> Open(const BookStores& stores);

  // Goes on to the next orders. RETURNS: false when there are no more; the first time there is
  // always a part, though it may be empty.
  absl::StatusOr<bool> Next();
  const Books& books() const { return books_; }
  // Orders of which some event has not left.
  size_t orders_waiting() const { return waiting_.size(); }

 private:
  explicit BookReader(const BookStores& stores) : stores_(stores) {}
  absl::Status FindEnd();
  absl::Status ReadPart();

  BookStores stores_;
  Books books_;
  std::map<std::string, NoticeRow> waiting_;  // of all orders
  OrderRange part_;
  bool ended_ = false;
};

// Opens only the participants' databases below `directory`, and makes none.
absl::StatusOr<std::vector<std::unique_ptr<skald::Store>>> OpenBookStores(
    const std::string& directory, BookStores& stores);

}  // namespace order_flow
