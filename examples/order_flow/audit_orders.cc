// Whether orders are in the state that goods and money say, and whether others heard of it.
#include <algorithm>
#include <set>
#include <vector>

#include "books.h"
#include "finding.h"

namespace order_flow {
namespace {

template <typename Row>
const Row* Find(const std::map<std::string, Row>& rows, const std::string& number) {
  const auto found = rows.find(number);
  return found == rows.end() ? nullptr : &found->second;
}

// What is wrong with a sale in this state; empty: nothing. One that is under way may be behind what
// has happened to it, never before it.
std::string WrongOfSale(const Books& books, const std::string& number, SaleState state) {
  const GoodsRow* goods = Find(books.goods, number);
  const HeldRow* held = Find(books.held, number);
  const bool charged = books.payments.contains(number);
  const auto goods_are = [&](GoodsState wanted) {
    return goods != nullptr && goods->state == wanted;
  };
  switch (state) {
    case SaleState::kPendingPayment:
      if (goods_are(GoodsState::kSold) || goods_are(GoodsState::kShipped)) return "goods left it";
      return "";
    case SaleState::kPaid:
      return charged || held != nullptr ? "" : "no money came";
    case SaleState::kCancelled:
    case SaleState::kRefunded:
      if (charged) return "it was charged";
      if (goods != nullptr && !goods_are(GoodsState::kReleased)) return "its goods are not free";
      if (state == SaleState::kRefunded && held == nullptr) return "no money came";
      return "";
    case SaleState::kShipped:
    case SaleState::kSigned:
      if (!charged) return "it was not charged";
      return goods_are(GoodsState::kShipped) ? "" : "its goods are there";
    case SaleState::kReturned:
      break;
  }
  return "nothing leads there";
}

std::string WrongOfReturn(const Books& books, const std::string& number, ReturnState state) {
  const bool refunded = books.refunds.contains(number);
  switch (state) {
    case ReturnState::kAnnounced:
      return "";
    case ReturnState::kReturned:
      if (!refunded) return "it was not refunded";
      return books.goods.contains(number) && !books.half_returned.contains(number)
                 ? ""
                 : "its goods are not all here";
    case ReturnState::kRefused:
      return refunded || books.goods.contains(number) ? "it went through" : "";
  }
  return "nothing leads there";
}

std::string TopicOf(OrderKind kind, uint8_t state) {
  return kind == OrderKind::kSale ? TopicOf(static_cast<SaleState>(state))
                                  : TopicOf(static_cast<ReturnState>(state));
}

// What was taken, and behind it what is on its way and was not taken yet.
std::vector<std::string> Heard(const NoticeRow* taken, const NoticeRow* waiting) {
  std::vector<std::string> topics;
  int64_t last = -1;
  for (const NoticeRow* row : {taken, waiting}) {
    if (row == nullptr) continue;
    for (const OrderItem& event : row->events) {
      const bool again = row == waiting && event.quantity <= last;
      if (!again) topics.push_back(event.code);
      if (row == taken) last = event.quantity;
    }
  }
  return topics;
}

bool Ascends(const NoticeRow& row) {
  const auto falls = [](const OrderItem& a, const OrderItem& b) {
    return a.quantity >= b.quantity;
  };
  return std::ranges::adjacent_find(row.events, falls) == row.events.end();
}

}  // namespace

void StatesAgreeWithWhatHappened(const Books& books, Finding& finding) {
  for (const auto& [number, placed] : books.placed) {
    const GoodsRow* goods = Find(books.goods, number);
    finding.Expect(goods == nullptr || goods->total == placed.total,
                   "order {} was opened with another total than its goods have", number);
    if (placed.kind == OrderKind::kSale) {
      const SaleState state = SaleStateOf(books, number);
      const std::string wrong = WrongOfSale(books, number, state);
      finding.Expect(wrong.empty(), "order {} is {}, and {}", number, ToString(state), wrong);
    } else {
      const ReturnState state = ReturnStateOf(books, number);
      const std::string wrong = WrongOfReturn(books, number, state);
      finding.Expect(wrong.empty(), "return {} is {}, and {}", number, ToString(state), wrong);
    }
  }
  const auto opened = [&](const auto& rows, std::string_view has) {
    for (const auto& [number, row] : rows) {
      finding.Expect(books.placed.contains(number), "order {} has {}, and was never opened", number,
                     has);
    }
  };
  opened(books.goods, "goods");
  opened(books.payments, "a payment");
  opened(books.refunds, "a refund");
  opened(books.states, "a state");
}

void EventsAreToldOnceInOrder(const Books& books, Finding& finding) {
  for (const auto& [number, state] : books.states) {
    const PlacedRow* placed = Find(books.placed, number);
    const OrderKind kind = placed == nullptr ? OrderKind::kSale : placed->kind;
    std::vector<std::string> happened;
    for (const auto& [event, to] : state.happened) happened.push_back(TopicOf(kind, to));
    const NoticeRow* taken = Find(books.notices, number);
    finding.Expect(taken == nullptr || Ascends(*taken), "order {}: events came out of order",
                   number);
    finding.Expect(Heard(taken, Find(books.waiting, number)) == happened,
                   "order {}: {} events happened, and others were told", number, happened.size());
  }
  for (const auto* rows : {&books.notices, &books.waiting}) {
    for (const auto& [number, row] : *rows) {
      finding.Expect(books.states.contains(number), "order {} was told of and has no state",
                     number);
    }
  }
}

}  // namespace order_flow
