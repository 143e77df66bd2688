// The business rows that participants keep, and how they stand in their databases.
//
//   database    key                   row
//   warehouse-n stock/<item>          StockRow     one an item of its, written when the data is
//   made
//               order/<number>        GoodsRow     one an order that took or brought back goods
//               setup                 SetupRow     what the data was made of
//   coupons     coupon/<code>         CouponRow
//   points      account/<customer>    AccountRow
//               hold/<number>         HoldRow      one an order of a registered customer
//   payment     payment/<number>      PaymentRow
//               refund/<number>       RefundRow
//               held/<number>         HeldRow      one an order that its customer paid by a
//               callback
//   orders      placed/<number>       PlacedRow    one an order that was opened
//               state/<number>        its business state, as skald::Move writes it; read as a
//               StateRow
//   mailer      notice/<number>       NoticeRow    what was heard of an order
//   all         refused/<number>      the reason why this participant refused the order
//
// A row begins with its format, 1; numbers are varints, signed ones zigzag; texts have their length
// before them. Fields come in the order of the struct. Barriers and the store keep rows of their
// own beside these, under other prefixes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "order.h"

namespace order_flow {

// Prefixes; a row's key is its prefix and its name.
inline constexpr std::string_view kStockPrefix = "stock/";
inline constexpr std::string_view kGoodsPrefix = "order/";
inline constexpr std::string_view kSetupKey = "setup";
inline constexpr std::string_view kCouponPrefix = "coupon/";
inline constexpr std::string_view kAccountPrefix = "account/";
inline constexpr std::string_view kHoldPrefix = "hold/";
inline constexpr std::string_view kPaymentPrefix = "payment/";
inline constexpr std::string_view kRefundPrefix = "refund/";
inline constexpr std::string_view kHeldPrefix = "held/";
inline constexpr std::string_view kPlacedPrefix = "placed/";
inline constexpr std::string_view kStatePrefix = "state/";
inline constexpr std::string_view kNoticePrefix = "notice/";
inline constexpr std::string_view kRefusedPrefix = "refused/";

std::string KeyOf(std::string_view prefix, std::string_view name);

// on_hand = initial - reserved - sold + returned, always, and none is negative.
struct StockRow {
  int64_t initial = 0;
  int64_t on_hand = 0;
  int64_t reserved = 0;
  int64_t sold = 0;
  int64_t returned = 0;
};

// Persisted; numbers are never reused.
enum class GoodsState : uint8_t {
  kReserved = 1,
  kReleased = 2,  // the sale was undone
  kSold = 3,
  kShipped = 4,
  kReturned = 5,  // goods that came back
};

// An order's parcel from one warehouse; what is of the whole order stands in each of them.
struct GoodsRow {
  GoodsState state = GoodsState::kReserved;
  int64_t parcels = 1;
  Mills total = 0;
  bool registered = false;  // has a customer, and so a hold of points
  std::string coupon;       // empty: none
  std::vector<OrderItem> items;
};

struct SetupRow {
  int64_t stock_rows = 0;
  int64_t lines_read = 0;
  int64_t invoices = 0;
  std::vector<OrderItem> lines_dropped;   // reason and count
  std::vector<OrderItem> orders_refused;  // reason and count
};

enum class CouponState : uint8_t { kRedeemed = 1, kRestored = 2 };

struct CouponRow {
  CouponState state = CouponState::kRedeemed;
  std::string order;
  Mills discount = 0;
};

// granted = balance + frozen + spent, always.
struct AccountRow {
  int64_t granted = 0;
  int64_t balance = 0;
  int64_t frozen = 0;
  int64_t spent = 0;
};

enum class HoldState : uint8_t { kFrozen = 1, kReleased = 2, kGranted = 3 };

struct HoldRow {
  HoldState state = HoldState::kFrozen;
  std::string customer;
  int64_t points = 0;   // frozen, and spent when granted
  int64_t granted = 0;  // earned by the order
};

// total = paid + discount + points_value.
struct PaymentRow {
  Mills total = 0;
  Mills paid = 0;
  Mills discount = 0;
  Mills points_value = 0;
};

struct RefundRow {
  Mills amount = 0;
};

// What a customer has paid before the order is charged.
enum class HeldState : uint8_t { kHeld = 1, kUsed = 2, kGivenBack = 3 };

struct HeldRow {
  HeldState state = HeldState::kHeld;
  Mills amount = 0;
  Mills used = 0;  // what the order was charged; the rest goes back at once
};

// An order that was opened, under the number that the input has for it.
struct PlacedRow {
  int64_t id = 0;  // the order number, of skald::IdGenerator
  OrderKind kind = OrderKind::kSale;
  Mills total = 0;
};

struct NoticeRow {
  std::vector<OrderItem> events;  // topic and message id, as they came
};

// Where an order is, and what has happened to it: event and state, each once. The library's row, by
// docs/formats/participants.md.
struct StateRow {
  uint64_t version = 0;
  uint8_t state = 0;
  std::vector<std::pair<uint8_t, uint8_t>> happened;
};

std::string EncodeRow(const StockRow& row);
std::string EncodeRow(const GoodsRow& row);
std::string EncodeRow(const SetupRow& row);
std::string EncodeRow(const CouponRow& row);
std::string EncodeRow(const AccountRow& row);
std::string EncodeRow(const HoldRow& row);
std::string EncodeRow(const PaymentRow& row);
std::string EncodeRow(const RefundRow& row);
std::string EncodeRow(const HeldRow& row);
std::string EncodeRow(const PlacedRow& row);
std::string EncodeRow(const NoticeRow& row);

// Of any of the rows above. RETURNS: DataLoss, naming `key`.
template <typename Row>
absl::StatusOr<Row> DecodeRow(std::string_view key, std::string_view value);

}  // namespace order_flow
