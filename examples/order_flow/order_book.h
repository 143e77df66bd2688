// Reads an order log of the Online Retail form and makes orders of its lines.
//
// An order is all lines of one InvoiceNo, wherever they stand; orders keep the order in which they
// first appear. Every line and every order that is not taken is counted under its reason:
//
//   line    malformed              wrong number of columns, an unreadable or huge number, a line of
//                                  over a mebibyte, an invoice number or item code of over 256
//                                  bytes
//           quantity_not_positive  in a sale; quantity_not_negative in a return
//           price_not_positive
//   order   unknown_invoice_type   neither digits nor C and digits; its lines are not counted
//           no_valid_line          every line was dropped
//           too_large              does not fit a saga's input
//
// COST: 16 bytes a line and some 100 an order, held in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "csv_reader.h"
#include "order_source.h"
#include "skald/base/strings.h"

namespace order_flow {

inline constexpr size_t kCodeBytesMax = 256;
// Of an order as a saga's input.
inline constexpr size_t kOrderBytesMax = size_t{1} << 20;

class OrderBook final : public OrderSource {
 public:
  // RETURNS: InvalidArgument  no header, or columns missing or in another order; an unclosed quote
  //          other            what reading `source` says
  static absl::StatusOr<std::unique_ptr<OrderBook>> Read(ByteSource& source, std::string_view name);

  size_t size() const override { return placed_.size(); }
  Order At(size_t index) const override;
  const IntakeCounts& counts() const override { return counts_; }
  const Demand& demand() const override { return demand_; }
  const std::string& identity() const override { return identity_; }

 private:
  struct Line {
    uint32_t item;
    uint32_t next;  // the next line of the same order
    int64_t quantity;
  };
  struct Draft {
    std::string number;
    std::string customer;
    Mills total = 0;
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t lines = 0;
    bool known_type = false;
    OrderKind kind = OrderKind::kSale;
  };

  OrderBook() = default;
  void Add(const CsvRecord& record);
  Draft& DraftOf(std::string_view number);
  void Append(Draft& draft, std::string_view code, int64_t quantity);
  uint32_t ItemId(std::string_view code);
  void Settle();
  void AddDemand(const Order& order);
  Order Make(const Draft& draft) const;

  std::vector<Line> lines_;
  std::vector<std::string> codes_;
  std::vector<Draft> drafts_;
  std::vector<uint32_t> placed_;  // drafts that became orders
  skald::StringMap<uint32_t> draft_of_;
  skald::StringMap<uint32_t> code_of_;
  IntakeCounts counts_;
  Demand demand_;
  std::string identity_;
};

inline constexpr std::string_view kCouponWord = "THANKS-";  // before the order's number
// The coupon that comes with an order; empty for most. One in eight orders of a registered customer
// has one, drawn by the order's number, so that every run agrees.
std::string CouponOf(std::string_view number, std::string_view customer);

}  // namespace order_flow
