#include "audit.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "finding.h"
#include "money.h"
#include "points.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

bool IsPaidFor(GoodsState state) {
  return state == GoodsState::kSold || state == GoodsState::kShipped;
}

void ItemsHaveStock(const Books& books, Finding& finding) {
  // Before that is done no order has begun.
  finding.Expect(books.set_up || books.goods.empty(), "the databases were never set up");
  for (const auto& [number, goods] : books.goods) {
    for (const OrderItem& item : goods.items) {
      finding.Expect(books.stock.contains(item.code), "order {} has {}, which has no stock row",
                     number, item.code);
    }
  }
}

void StockIsComplete(const Books& books, Finding& finding) {
  const auto rows = static_cast<int64_t>(books.stock.size());
  finding.Expect(!books.set_up || rows == books.setup.stock_rows,
                 "{} stock rows, of {} that were written", FormatCount(rows),
                 FormatCount(books.setup.stock_rows));
}

void StockAddsUp(const Books& books, Finding& finding) {
  for (const auto& [item, row] : books.stock) {
    const int64_t expected = row.initial - row.reserved - row.sold + row.returned;
    finding.Expect(row.on_hand == expected, "{}: {} on hand, {} by its movements", item,
                   FormatCount(row.on_hand), FormatCount(expected));
    finding.Expect(row.on_hand >= 0 && row.reserved >= 0 && row.sold >= 0 && row.returned >= 0,
                   "{}: a negative count", item);
  }
}

// What orders say that became of each item.
void AddMovements(const Books& books, std::map<std::string, StockRow>& moved) {
  for (const auto& [name, goods] : books.parcels) {
    for (const OrderItem& item : goods.items) {
      StockRow& row = moved[item.code];
      if (goods.state == GoodsState::kReserved) row.reserved += item.quantity;
      if (IsPaidFor(goods.state)) row.sold += item.quantity;
      if (goods.state == GoodsState::kReturned) row.returned += item.quantity;
    }
  }
}

void StockAgreesWithOrders(const Books& books, const std::map<std::string, StockRow>& moved,
                           Finding& finding) {
  for (const auto& [item, row] : books.stock) {
    const auto found = moved.find(item);
    const StockRow orders = found == moved.end() ? StockRow{} : found->second;
    const bool same = row.reserved == orders.reserved && row.sold == orders.sold &&
                      row.returned == orders.returned;
    finding.Expect(same, "{}: stock says {} sold, {} returned, {} reserved; orders {}, {}, {}",
                   item, row.sold, row.returned, row.reserved, orders.sold, orders.returned,
                   orders.reserved);
  }
}

void ParcelsGoTogether(const Books& books, Finding& finding) {
  for (const auto& [number, goods] : books.goods) {
    const auto wrong = books.scattered.find(number);
    finding.Expect(wrong == books.scattered.end(), "order {}: {}", number,
                   wrong == books.scattered.end() ? "" : wrong->second);
  }
}

void HeldMoneyIsUsedOrGivenBack(const Books& books, bool by_callback, Finding& finding) {
  for (const auto& [number, held] : books.held) {
    const auto goods = books.goods.find(number);
    const auto payment = books.payments.find(number);
    const bool charged = payment != books.payments.end();
    finding.Expect(goods == books.goods.end() || held.amount == goods->second.total,
                   "{} were taken for order {}, which costs something else",
                   FormatPounds(held.amount), number);
    if (held.state == HeldState::kUsed) {
      finding.Expect(charged && held.used == payment->second.paid,
                     "{} of the money of order {} are used, and it was charged otherwise",
                     FormatPounds(held.used), number);
    } else {
      finding.Expect(!charged && held.used == 0,
                     "the money of order {} is held or given back, and it was charged", number);
    }
  }
  for (const auto& [number, payment] : books.payments) {
    const auto held = books.held.find(number);
    const bool used = held != books.held.end() && held->second.state == HeldState::kUsed;
    finding.Expect(
        used == by_callback, "order {} was charged, {}", number,
        by_callback ? "and its customer had not paid" : "and its customer had paid before");
  }
}

void PaymentsAgreeWithOrders(const Books& books, Finding& finding) {
  for (const auto& [number, goods] : books.goods) {
    const auto paid = books.payments.find(number);
    const bool is_paid = paid != books.payments.end();
    if (IsPaidFor(goods.state)) {
      finding.Expect(is_paid && paid->second.total == goods.total, "order {} of {} was sold and {}",
                     number, FormatPounds(goods.total),
                     is_paid ? "charged otherwise" : "never charged");
    } else if (goods.state != GoodsState::kReserved) {
      finding.Expect(!is_paid, "order {} was charged, yet its goods were not sold", number);
    }
  }
  for (const auto& [number, payment] : books.payments) {
    finding.Expect(books.goods.contains(number), "order {} was charged, yet has no goods", number);
  }
}

void PaymentsAddUp(const Books& books, Finding& finding) {
  for (const auto& [number, row] : books.payments) {
    finding.Expect(row.total == row.paid + row.discount + row.points_value && row.paid >= 0,
                   "order {}: {} is not {} + {} + {}", number, row.total, row.paid, row.discount,
                   row.points_value);
  }
}

void RefundsAgreeWithReturns(const Books& books, Finding& finding) {
  for (const auto& [number, goods] : books.goods) {
    if (goods.state != GoodsState::kReturned) continue;
    const auto refund = books.refunds.find(number);
    finding.Expect(refund != books.refunds.end() && refund->second.amount == goods.total,
                   "return {} of {} was taken in, yet not refunded so", number,
                   FormatPounds(goods.total));
  }
}

void CouponsAgreeWithPayments(const Books& books, Finding& finding) {
  for (const auto& [code, coupon] : books.coupons) {
    const auto payment = books.payments.find(coupon.order);
    const auto goods = books.goods.find(coupon.order);
    const bool redeemed = coupon.state == CouponState::kRedeemed;
    finding.Expect(goods != books.goods.end() && goods->second.coupon == code,
                   "coupon {} is with order {}, which has none such", code, coupon.order);
    if (payment == books.payments.end()) {
      const bool gone = goods != books.goods.end() && goods->second.state == GoodsState::kReleased;
      finding.Expect(!redeemed || !gone, "coupon {} is used up by order {}, which was undone", code,
                     coupon.order);
    } else {
      finding.Expect(redeemed && payment->second.discount == coupon.discount,
                     "coupon {}: order {} got {} for it", code, coupon.order,
                     FormatPounds(payment->second.discount));
    }
  }
  for (const auto& [number, payment] : books.payments) {
    const auto goods = books.goods.find(number);
    const bool has_coupon =
        goods != books.goods.end() && books.coupons.contains(goods->second.coupon);
    finding.Expect(payment.discount == 0 || has_coupon, "order {} got a discount without a coupon",
                   number);
  }
}

// What orders say of each customer's account.
void AddHolds(const Books& books, std::map<std::string, AccountRow>& sums) {
  for (const auto& [number, hold] : books.holds) {
    AccountRow& sum = sums[hold.customer];
    sum.granted += hold.granted;
    if (hold.state == HoldState::kFrozen) sum.frozen += hold.points;
    if (hold.state == HoldState::kGranted) sum.spent += hold.points;
  }
}

void PointsAreConserved(const Books& books, const std::map<std::string, AccountRow>& sums,
                        Finding& finding) {
  for (const auto& [customer, row] : books.accounts) {
    finding.Expect(row.granted == row.balance + row.frozen + row.spent && row.balance >= 0,
                   "customer {}: {} granted, {} + {} + {} there", customer, row.granted,
                   row.balance, row.frozen, row.spent);
    const auto found = sums.find(customer);
    const AccountRow sum = found == sums.end() ? AccountRow{} : found->second;
    finding.Expect(row.granted == sum.granted && row.frozen == sum.frozen && row.spent == sum.spent,
                   "customer {}: the account is not what the orders say", customer);
  }
  for (const auto& [customer, sum] : sums) {
    finding.Expect(books.accounts.contains(customer), "customer {} has orders but no account",
                   customer);
  }
}

void PointsAgreeWithOrders(const Books& books, Finding& finding) {
  for (const auto& [number, goods] : books.goods) {
    const auto hold = books.holds.find(number);
    const bool held = hold != books.holds.end();
    const HoldState state = held ? hold->second.state : HoldState::kReleased;
    if (goods.state == GoodsState::kShipped) {
      // (They may be settled behind the goods.)
      finding.Expect(held == goods.registered && (!held || state != HoldState::kReleased),
                     "order {} was shipped, its points are not settled", number);
    } else if (goods.state == GoodsState::kReleased) {
      finding.Expect(state == HoldState::kReleased, "order {} was undone, its points were not",
                     number);
    }
    const auto payment = books.payments.find(number);
    if (payment == books.payments.end()) continue;
    const int64_t points = held ? hold->second.points : 0;
    finding.Expect(payment->second.points_value == points * kMillsPerPoint,
                   "order {} was paid with other points than it held", number);
  }
}

void RefusedOrdersTookNothing(const Books& books, Finding& finding) {
  for (const auto& [step, refusals] : books.refused) {
    for (const auto& [number, reason] : refusals) {
      const auto goods = books.goods.find(number);
      const bool kept = goods != books.goods.end() && IsPaidFor(goods->second.state);
      finding.Expect(!kept && !books.payments.contains(number) && !books.refunds.contains(number),
                     "order {} was refused at {} and went through", number, step);
    }
  }
}

void NumbersAreGivenOnce(std::vector<int64_t> numbers, Finding& finding) {
  std::ranges::sort(numbers);
  for (size_t i = 0; i < numbers.size(); ++i) {
    finding.Expect(numbers[i] > 0, "an order has the number {}", numbers[i]);
    finding.Expect(i == 0 || numbers[i] != numbers[i - 1], "several orders have the number {}",
                   numbers[i]);
  }
}

// All checks, part by part.
class Auditor {
 public:
  explicit Auditor(bool by_callback) : by_callback_(by_callback) {}

  void Look(const Books& books) {
    ItemsHaveStock(books, stock_rows_);
    AddMovements(books, moved_);
    ParcelsGoTogether(books, parcels_);
    PaymentsAgreeWithOrders(books, revenue_);
    HeldMoneyIsUsedOrGivenBack(books, by_callback_, held_);
    PaymentsAddUp(books, payments_);
    RefundsAgreeWithReturns(books, refunds_);
    CouponsAgreeWithPayments(books, coupons_);
    AddHolds(books, holds_);
    PointsAgreeWithOrders(books, points_used_);
    RefusedOrdersTookNothing(books, refusals_);
    StatesAgreeWithWhatHappened(books, states_);
    for (const auto& [number, placed] : books.placed) numbers_.push_back(placed.id);
    EventsAreToldOnceInOrder(books, events_);
  }

  // Behind all parts.
  Audit Conclude(const Books& books) {
    StockIsComplete(books, stock_rows_);
    StockAddsUp(books, stock_sums_);
    StockAgreesWithOrders(books, moved_, stock_moved_);
    PointsAreConserved(books, holds_, points_kept_);
    NumbersAreGivenOnce(std::move(numbers_), given_once_);
    events_.Expect(books.parked == 0, "{} events are parked", FormatCount(books.parked));
    return {{stock_rows_.Conclude("rows and lines"), stock_sums_.Conclude("sums"),
             stock_moved_.Conclude("items"), parcels_.Conclude("orders"),
             revenue_.Conclude("orders"), held_.Conclude("payments"),
             payments_.Conclude("payments"), refunds_.Conclude("returns"),
             coupons_.Conclude("coupons and payments"), points_kept_.Conclude("accounts"),
             points_used_.Conclude("orders and payments"), refusals_.Conclude("refusals"),
             states_.Conclude("orders and rows"), given_once_.Conclude("orders"),
             events_.Conclude("orders")}};
  }

 private:
  const bool by_callback_;
  Finding stock_rows_{"every item has its stock row"};
  Finding stock_sums_{"stock = initial - reserved - sold + returned"};
  Finding stock_moved_{"stock moved as the orders say"};
  Finding parcels_{"an order's parcels go together"};
  Finding revenue_{"revenue = what the orders cost"};
  Finding held_{"money paid first = charged or given back"};
  Finding payments_{"revenue = paid + discounts + points"};
  Finding refunds_{"refunds = what was returned"};
  Finding coupons_{"coupons = discounts given"};
  Finding points_kept_{"points granted = balance + frozen + spent"};
  Finding points_used_{"points = what the orders used"};
  Finding refusals_{"refused orders took nothing"};
  Finding states_{"an order's state is what became of it"};
  Finding given_once_{"order numbers are given once"};
  Finding events_{"what happened to an order is told once"};
  std::map<std::string, StockRow> moved_;    // by item
  std::map<std::string, AccountRow> holds_;  // by customer
  std::vector<int64_t> numbers_;
};

}  // namespace

absl::StatusOr<Audited> AuditBooks(const BookStores& stores, bool by_callback) {
  SKALD_ASSIGN_OR_RETURN(BookReader reader, BookReader::Open(stores));
  Audited audited;
  Auditor auditor(by_callback);
  while (true) {
    SKALD_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) break;
    AddOrders(reader.books(), audited.report);
    auditor.Look(reader.books());
    audited.payments_held += std::ranges::count_if(
        reader.books().held, [](const auto& row) { return row.second.state == HeldState::kHeld; });
  }
  AddStanding(reader.books(), audited.report);
  audited.report.audit = auditor.Conclude(reader.books());
  audited.orders_waiting = static_cast<int64_t>(reader.orders_waiting());
  return audited;
}

}  // namespace order_flow
