#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>

#include "books.h"
#include "finding.h"
#include "money.h"
#include "points.h"

namespace order_flow {
namespace {

bool IsPaidFor(GoodsState state) {
  return state == GoodsState::kSold || state == GoodsState::kShipped;
}

Check StockIsComplete(const Books& books) {
  Finding finding("every item has its stock row");
  // Before that is done no order has begun.
  finding.Expect(books.set_up || books.goods.empty(), "the databases were never set up");
  const auto rows = static_cast<int64_t>(books.stock.size());
  finding.Expect(!books.set_up || rows == books.setup.stock_rows,
                 "{} stock rows, of {} that were written", FormatCount(rows),
                 FormatCount(books.setup.stock_rows));
  for (const auto& [number, goods] : books.goods) {
    for (const OrderItem& item : goods.items) {
      finding.Expect(books.stock.contains(item.code), "order {} has {}, which has no stock row",
                     number, item.code);
    }
  }
  return std::move(finding).Conclude("rows and lines");
}

Check StockAddsUp(const Books& books) {
  Finding finding("stock = initial - reserved - sold + returned");
  for (const auto& [item, row] : books.stock) {
    const int64_t expected = row.initial - row.reserved - row.sold + row.returned;
    finding.Expect(row.on_hand == expected, "{}: {} on hand, {} by its movements", item,
                   FormatCount(row.on_hand), FormatCount(expected));
    finding.Expect(row.on_hand >= 0 && row.reserved >= 0 && row.sold >= 0 && row.returned >= 0,
                   "{}: a negative count", item);
  }
  return std::move(finding).Conclude("sums");
}

// What orders say that became of each item.
std::map<std::string, StockRow> MovementsOf(const Books& books) {
  std::map<std::string, StockRow> moved;
  for (const auto& [name, goods] : books.parcels) {
    for (const OrderItem& item : goods.items) {
      StockRow& row = moved[item.code];
      if (goods.state == GoodsState::kReserved) row.reserved += item.quantity;
      if (IsPaidFor(goods.state)) row.sold += item.quantity;
      if (goods.state == GoodsState::kReturned) row.returned += item.quantity;
    }
  }
  return moved;
}

Check StockAgreesWithOrders(const Books& books) {
  Finding finding("stock moved as the orders say");
  const std::map<std::string, StockRow> moved = MovementsOf(books);
  for (const auto& [item, row] : books.stock) {
    const auto found = moved.find(item);
    const StockRow orders = found == moved.end() ? StockRow{} : found->second;
    const bool same = row.reserved == orders.reserved && row.sold == orders.sold &&
                      row.returned == orders.returned;
    finding.Expect(same, "{}: stock says {} sold, {} returned, {} reserved; orders {}, {}, {}",
                   item, row.sold, row.returned, row.reserved, orders.sold, orders.returned,
                   orders.reserved);
  }
  return std::move(finding).Conclude("items");
}

Check ParcelsGoTogether(const Books& books) {
  Finding finding("an order's parcels go together");
  for (const auto& [number, goods] : books.goods) {
    const auto wrong = books.scattered.find(number);
    finding.Expect(wrong == books.scattered.end(), "order {}: {}", number,
                   wrong == books.scattered.end() ? "" : wrong->second);
  }
  return std::move(finding).Conclude("orders");
}

Check HeldMoneyIsUsedOrGivenBack(const Books& books) {
  Finding finding("money paid first = charged or given back");
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
        used == books.by_callback, "order {} was charged, {}", number,
        books.by_callback ? "and its customer had not paid" : "and its customer had paid before");
  }
  return std::move(finding).Conclude("payments");
}

Check PaymentsAgreeWithOrders(const Books& books) {
  Finding finding("revenue = what the orders cost");
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
  return std::move(finding).Conclude("orders");
}

Check PaymentsAddUp(const Books& books) {
  Finding finding("revenue = paid + discounts + points");
  for (const auto& [number, row] : books.payments) {
    finding.Expect(row.total == row.paid + row.discount + row.points_value && row.paid >= 0,
                   "order {}: {} is not {} + {} + {}", number, row.total, row.paid, row.discount,
                   row.points_value);
  }
  return std::move(finding).Conclude("payments");
}

Check RefundsAgreeWithReturns(const Books& books) {
  Finding finding("refunds = what was returned");
  for (const auto& [number, goods] : books.goods) {
    if (goods.state != GoodsState::kReturned) continue;
    const auto refund = books.refunds.find(number);
    finding.Expect(refund != books.refunds.end() && refund->second.amount == goods.total,
                   "return {} of {} was taken in, yet not refunded so", number,
                   FormatPounds(goods.total));
  }
  return std::move(finding).Conclude("returns");
}

Check CouponsAgreeWithPayments(const Books& books) {
  Finding finding("coupons = discounts given");
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
  return std::move(finding).Conclude("coupons and payments");
}

Check PointsAreConserved(const Books& books) {
  Finding finding("points granted = balance + frozen + spent");
  std::map<std::string, AccountRow> sums;
  for (const auto& [number, hold] : books.holds) {
    AccountRow& sum = sums[hold.customer];
    sum.granted += hold.granted;
    if (hold.state == HoldState::kFrozen) sum.frozen += hold.points;
    if (hold.state == HoldState::kGranted) sum.spent += hold.points;
  }
  for (const auto& [customer, row] : books.accounts) {
    finding.Expect(row.granted == row.balance + row.frozen + row.spent && row.balance >= 0,
                   "customer {}: {} granted, {} + {} + {} there", customer, row.granted,
                   row.balance, row.frozen, row.spent);
    const AccountRow& sum = sums[customer];
    finding.Expect(row.granted == sum.granted && row.frozen == sum.frozen && row.spent == sum.spent,
                   "customer {}: the account is not what the orders say", customer);
  }
  for (const auto& [customer, sum] : sums) {
    finding.Expect(books.accounts.contains(customer), "customer {} has orders but no account",
                   customer);
  }
  return std::move(finding).Conclude("accounts");
}

Check PointsAgreeWithOrders(const Books& books) {
  Finding finding("points = what the orders used");
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
  return std::move(finding).Conclude("orders and payments");
}

Check RefusedOrdersTookNothing(const Books& books) {
  Finding finding("refused orders took nothing");
  for (const auto& [step, refusals] : books.refused) {
    for (const auto& [number, reason] : refusals) {
      const auto goods = books.goods.find(number);
      const bool kept = goods != books.goods.end() && IsPaidFor(goods->second.state);
      finding.Expect(!kept && !books.payments.contains(number) && !books.refunds.contains(number),
                     "order {} was refused at {} and went through", number, step);
    }
  }
  return std::move(finding).Conclude("refusals");
}

}  // namespace

Audit CheckBooks(const Books& books) {
  Audit audit;
  audit.checks.push_back(StockIsComplete(books));
  audit.checks.push_back(StockAddsUp(books));
  audit.checks.push_back(StockAgreesWithOrders(books));
  audit.checks.push_back(ParcelsGoTogether(books));
  audit.checks.push_back(PaymentsAgreeWithOrders(books));
  audit.checks.push_back(HeldMoneyIsUsedOrGivenBack(books));
  audit.checks.push_back(PaymentsAddUp(books));
  audit.checks.push_back(RefundsAgreeWithReturns(books));
  audit.checks.push_back(CouponsAgreeWithPayments(books));
  audit.checks.push_back(PointsAreConserved(books));
  audit.checks.push_back(PointsAgreeWithOrders(books));
  audit.checks.push_back(RefusedOrdersTookNothing(books));
  audit.checks.push_back(StatesAgreeWithWhatHappened(books));
  audit.checks.push_back(OrderNumbersAreGivenOnce(books));
  audit.checks.push_back(EventsAreToldOnceInOrder(books));
  return audit;
}

}  // namespace order_flow
