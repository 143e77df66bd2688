#include "order_book.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "skald/base/check.h"
#include "skald/base/hash.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

constexpr std::array<std::string_view, 8> kColumns = {"InvoiceNo",  "StockCode",   "Description",
                                                      "Quantity",   "InvoiceDate", "UnitPrice",
                                                      "CustomerID", "Country"};
enum Column : size_t {
  kInvoiceNo = 0,
  kStockCode = 1,
  kQuantity = 3,
  kUnitPrice = 5,
  kCustomer = 6
};

constexpr uint32_t kNoLine = UINT32_MAX;
constexpr size_t kShownBytesMax = 120;

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<OrderKind> KindOf(std::string_view number) {
  if (AllDigits(number)) return OrderKind::kSale;
  if (number.starts_with('C') && AllDigits(number.substr(1))) return OrderKind::kReturn;
  return std::nullopt;
}

absl::Status CheckHeader(const CsvRecord* header, std::string_view name) {
  const std::string wanted = fmt::format("{}", fmt::join(kColumns, ","));
  if (header == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("{} is empty; its first line must be {}", name, wanted));
  }
  if (!header->too_long && std::ranges::equal(header->fields, kColumns)) return absl::OkStatus();
  std::string found = fmt::format("{}", fmt::join(header->fields, ","));
  const bool same_columns =
      std::ranges::is_permutation(header->fields, kColumns) && !header->too_long;
  const bool cut = found.size() > kShownBytesMax;
  // A file of another kind may hold what a terminal obeys.
  found = absl::CEscape(found.substr(0, kShownBytesMax)) + (cut ? "…" : "");
  return absl::InvalidArgumentError(fmt::format(
      "{} {}; its first line must be\n  {}\nbut it is\n  {}", name,
      same_columns ? "has its columns in another order" : "does not begin with the header", wanted,
      found));
}

struct ValidLine {
  int64_t quantity;  // positive
  Mills amount;
};

// Fills `line`. RETURNS: null, or the first reason that fits.
const char* Validate(const CsvRecord& record, OrderKind kind, ValidLine& line) {
  if (record.too_long || record.fields.size() != kColumns.size()) return "malformed";
  if (record.fields[kInvoiceNo].size() > kCodeBytesMax) return "malformed";
  if (record.fields[kStockCode].size() > kCodeBytesMax) return "malformed";
  const std::optional<int64_t> quantity = ParseQuantity(record.fields[kQuantity]);
  const std::optional<Mills> price = ParseMills(record.fields[kUnitPrice]);
  if (!quantity || !price) return "malformed";
  const int64_t units = kind == OrderKind::kSale ? *quantity : -*quantity;
  if (*price > 0 && units > kLineAmountMax / *price) return "malformed";
  if (units <= 0) {
    return kind == OrderKind::kSale ? "quantity_not_positive" : "quantity_not_negative";
  }
  if (*price <= 0) return "price_not_positive";
  line = {units, units * *price};
  return nullptr;
}

}  // namespace

std::string CouponOf(std::string_view number, std::string_view customer) {
  if (customer.empty() || skald::StableHash64("coupon", number) % 8 != 0) return {};
  return fmt::format("{}{}", kCouponWord, number);
}

absl::StatusOr<std::unique_ptr<OrderBook>> OrderBook::Read(ByteSource& source,
                                                           std::string_view name) {
  CsvReader csv(source);
  std::unique_ptr<OrderBook> book(new OrderBook());
  SKALD_ASSIGN_OR_RETURN(const CsvRecord* record, csv.Next());
  SKALD_RETURN_IF_ERROR(CheckHeader(record, name));
  while (true) {
    SKALD_ASSIGN_OR_RETURN(record, csv.Next());
    if (record == nullptr) break;
    book->Add(*record);
  }
  book->Settle();
  const skald::Hash128 hash = csv.ContentHash();
  book->identity_ = fmt::format("orders {:016x}{:016x}", hash.high, hash.low);
  return book;
}

OrderBook::Draft& OrderBook::DraftOf(std::string_view number) {
  const auto found = draft_of_.find(number);
  if (found != draft_of_.end()) return drafts_[found->second];
  draft_of_.emplace(std::string(number), static_cast<uint32_t>(drafts_.size()));
  Draft& draft = drafts_.emplace_back();
  draft.number = number;
  const std::optional<OrderKind> kind = KindOf(number);
  draft.known_type = kind.has_value();
  draft.kind = kind.value_or(OrderKind::kSale);
  draft.first = kNoLine;
  return draft;
}

void OrderBook::Add(const CsvRecord& record) {
  ++counts_.lines_read;
  Draft& draft = DraftOf(record.fields.empty() ? std::string_view() : record.fields[kInvoiceNo]);
  if (!draft.known_type) return;
  ValidLine line{};
  if (const char* reason = Validate(record, draft.kind, line); reason != nullptr) {
    ++counts_.lines_dropped[reason];
    return;
  }
  if (draft.lines == 0) draft.customer = record.fields[kCustomer];
  draft.total += line.amount;
  Append(draft, record.fields[kStockCode], line.quantity);
}

uint32_t OrderBook::ItemId(std::string_view code) {
  const auto found = code_of_.find(code);
  if (found != code_of_.end()) return found->second;
  const auto id = static_cast<uint32_t>(codes_.size());
  codes_.emplace_back(code);
  code_of_.emplace(std::string(code), id);
  return id;
}

void OrderBook::Append(Draft& draft, std::string_view code, int64_t quantity) {
  const auto at = static_cast<uint32_t>(lines_.size());
  SKALD_CHECK(at != kNoLine, "lines={}", lines_.size());
  lines_.push_back({ItemId(code), kNoLine, quantity});
  (draft.lines == 0 ? draft.first : lines_[draft.last].next) = at;
  draft.last = at;
  ++draft.lines;
}

void OrderBook::Settle() {
  counts_.invoices = static_cast<int64_t>(drafts_.size());
  std::string encoded;
  for (uint32_t i = 0; i < drafts_.size(); ++i) {
    const Draft& draft = drafts_[i];
    if (!draft.known_type) {
      ++counts_.orders_refused["unknown_invoice_type"];
      continue;
    }
    if (draft.lines == 0) {
      ++counts_.orders_refused["no_valid_line"];
      continue;
    }
    const Order order = Make(draft);
    encoded.clear();
    skald::Codec<Order>::Encode(order, &encoded);
    if (encoded.size() > kOrderBytesMax) {
      ++counts_.orders_refused["too_large"];
      continue;
    }
    AddDemand(order);
    placed_.push_back(i);
  }
}

void OrderBook::AddDemand(const Order& order) {
  for (const OrderItem& item : order.items) {
    demand_[item.code] += order.kind == OrderKind::kSale ? item.quantity : 0;
  }
}

Order OrderBook::Make(const Draft& draft) const {
  Order order;
  order.number = draft.number;
  order.kind = draft.kind;
  order.customer = draft.customer;
  order.total = draft.total;
  if (draft.kind == OrderKind::kSale) order.coupon = CouponOf(draft.number, draft.customer);
  std::vector<std::pair<uint32_t, int64_t>> sums;
  for (uint32_t at = draft.first; at != kNoLine; at = lines_[at].next) {
    sums.emplace_back(lines_[at].item, lines_[at].quantity);
  }
  std::ranges::sort(sums);
  for (size_t i = 0; i < sums.size(); ++i) {
    if (i > 0 && sums[i].first == sums[i - 1].first) {
      order.items.back().quantity += sums[i].second;
    } else {
      order.items.push_back({codes_[sums[i].first], sums[i].second});
    }
  }
  return order;
}

Order OrderBook::At(size_t index) const {
  return Make(drafts_[placed_[index]]);
}

}  // namespace order_flow
