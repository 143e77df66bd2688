// What the books say of orders, units and money.
#include "audit.h"
#include "sagas.h"

namespace order_flow {
namespace {

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

}  // namespace

void AddOrders(const Books& books, Report& report) {
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
}

void AddStanding(const Books& books, Report& report) {
  report.intake.lines_read = books.setup.lines_read;
  report.intake.invoices = books.setup.invoices;
  report.intake.lines_dropped = Counts(books.setup.lines_dropped);
  report.intake.orders_refused = Counts(books.setup.orders_refused);
  for (const auto& [item, stock] : books.stock) {
    report.units_sold += stock.sold;
    report.units_returned += stock.returned;
    report.items_sold += stock.sold > 0;
  }
}

}  // namespace order_flow
