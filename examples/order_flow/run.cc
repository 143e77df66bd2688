#include "run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit.h"
#include "books.h"
#include "data_directory.h"
#include "drive.h"
#include "generator.h"
#include "input_file.h"
#include "order_book.h"
#include "repeated_orders.h"
#include "report.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "terminal.h"

namespace order_flow {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void OnSignal(int /*signal*/) {
  interrupted.store(true, std::memory_order_relaxed);
}

void InstallHandlers() {
  struct sigaction action{};
  action.sa_handler = OnSignal;
  // A second signal finds the default action: it ends the process at once, and nothing is lost.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

absl::StatusOr<std::unique_ptr<OrderSource>> ReadInput(const RunOptions& options) {
  if (options.orders.empty()) {
    return std::make_unique<GeneratedOrders>(options.generate, options.seed);
  }
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenInput(options.orders));
  const std::string name =
      options.orders == "-" ? std::string("stdin") : fmt::format("'{}'", options.orders);
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<OrderBook> book, OrderBook::Read(*source, name));
  return book;
}

absl::StatusOr<std::unique_ptr<OrderSource>> ReadOrders(const RunOptions& options) {
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<OrderSource> input, ReadInput(options));
  return RepeatedOrders::Over(std::move(input), options.repeat);
}

// Whether the orders' database has an order where its saga has ended.
absl::StatusOr<bool> IsWhereItEnded(skald::Store& store, const Order& order, SagaEnd end) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> opened,
                         store.Get(skald::Space::kRows, KeyOf(kPlacedPrefix, order.number)));
  const std::string key = KeyOf(kStatePrefix, order.number);
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> row, store.Get(skald::Space::kRows, key));
  StateRow state;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(state, DecodeRow<StateRow>(key, row->value));
  }
  bool undone = false;
  bool through = false;
  if (order.kind == OrderKind::kReturn) {
    const auto at = row ? static_cast<ReturnState>(state.state) : kReturnTable.initial();
    undone = at == ReturnState::kRefused;
    through = at == ReturnState::kReturned;
  } else {
    const auto at = row ? static_cast<SaleState>(state.state) : kSaleTable.initial();
    undone = at == SaleState::kCancelled || at == SaleState::kRefunded;
    through = at == SaleState::kShipped || at == SaleState::kSigned;
  }
  if (end == SagaEnd::kCompleted) return opened && through;
  if (end == SagaEnd::kCompensated) return !opened || undone;
  return end == SagaEnd::kStuck && (order.kind == OrderKind::kReturn || !undone);
}

// The books are the truth; the sagas must tell the same story.
Check SagasAgree(const Report& books, const Tally& tally) {
  const bool same = books.sales_completed == tally.sales_completed &&
                    books.returns_completed == tally.returns_completed &&
                    books.stuck == tally.stuck;
  return {"sagas say what the books say", same,
          fmt::format("{} sales, {} returns and {} stuck by the sagas, {}, {} and {} by the books",
                      FormatCount(tally.sales_completed), FormatCount(tally.returns_completed),
                      FormatCount(tally.stuck), FormatCount(books.sales_completed),
                      FormatCount(books.returns_completed), FormatCount(books.stuck))};
}

// Each order by itself.
absl::StatusOr<Check> StatesAreTheSagasEnds(skald::Store& store, const OrderSource& orders,
                                            const Tally& tally) {
  std::string wrong;
  int64_t count = 0;
  for (size_t i = 0; i < orders.size(); ++i) {
    const Order order = orders.At(i);
    SKALD_ASSIGN_OR_RETURN(const bool right, IsWhereItEnded(store, order, tally.ends[i]));
    if (!right && count++ == 0) wrong = order.number;
  }
  return Check{"each order's state is its saga's end", count == 0,
               count == 0 ? fmt::format("{} orders", FormatCount(std::ssize(tally.ends)))
                          : fmt::format("order {} is in another ({} in all)", wrong, count)};
}

Check CopiesWereAnsweredAlike(const Chaos& chaos) {
  const ChaosCounts counts = chaos.counts();
  return {"copies of calls were answered alike", chaos.contradictions() == 0,
          fmt::format("{} copies, {} otherwise",
                      FormatCount(counts.duplicated + counts.reordered + counts.late),
                      FormatCount(chaos.contradictions()))};
}

// Once all is at rest, every event has been taken.
Check EventsHaveLeft(const Audited& audited) {
  return {"no event of an order is left behind", audited.orders_waiting == 0,
          fmt::format("{} orders have some", FormatCount(audited.orders_waiting))};
}

// Once all is at rest, only what is stuck holds a customer's money.
Check HeldMoneyIsOfStuckOrders(const Audited& audited, const Tally& tally) {
  const int64_t held = audited.payments_held;
  return {"no money is held for orders at rest", held <= tally.stuck,
          fmt::format("{} held, {} orders stuck", FormatCount(held), FormatCount(tally.stuck))};
}

// What customers do is part of what the data is made of: it decides which orders go through.
std::string PaymentText(const CustomerOptions& customers) {
  std::string text = customers.pay_by_callback
                         ? fmt::format("by callback, {} unpaid, {} late, {} twice",
                                       customers.never_pay, customers.pay_late, customers.pay_twice)
                         : std::string(kPaidAtOnce);
  if (customers.cancel > 0) text += fmt::format(", {} cancelled", customers.cancel);
  const bool drawn = customers.pay_by_callback || customers.cancel > 0;
  return drawn ? fmt::format("{}, seed {}", text, customers.seed) : text;
}

BookStores StoresOf(Shop& shop) {
  return {.warehouses = {&shop.warehouse_data(0).store(), &shop.warehouse_data(1).store(),
                         &shop.warehouse_data(2).store()},
          .coupons = &shop.coupons_data().store(),
          .points = &shop.points_data().store(),
          .payment = &shop.payment_data().store(),
          .orders = &shop.orders_data().store(),
          .mailer = &shop.mailer_data().store()};
}

absl::StatusOr<Report> MakeReport(Shop& shop, bool by_callback, const OrderSource& orders,
                                  const Tally& tally, const skald::Coordinator::Stats& stats) {
  SKALD_ASSIGN_OR_RETURN(Audited audited, AuditBooks(StoresOf(shop), by_callback));
  SKALD_ASSIGN_OR_RETURN(Check ends,
                         StatesAreTheSagasEnds(shop.orders_data().store(), orders, tally));
  Report report = std::move(audited.report);
  std::vector<Check>& checks = report.audit.checks;
  checks.push_back(SagasAgree(report, tally));
  checks.push_back(std::move(ends));
  checks.push_back(EventsHaveLeft(audited));
  if (const Chaos* chaos = shop.chaos(); chaos != nullptr) {
    checks.push_back(CopiesWereAnsweredAlike(*chaos));
  }
  if (by_callback) checks.push_back(HeldMoneyIsOfStuckOrders(audited, tally));
  report.intake = orders.counts();
  report.sales_completed = tally.sales_completed;
  report.returns_completed = tally.returns_completed;
  report.sales_compensated = tally.sales_compensated;
  report.returns_compensated = tally.returns_compensated;
  report.stuck = tally.stuck;
  const double seconds = absl::ToDoubleSeconds(tally.elapsed);
  report.measured =
      Measured{.sagas_per_second = seconds > 0 ? static_cast<double>(tally.driven) / seconds : 0,
               .latency_us = tally.latency.Summary(),
               .resumed = static_cast<int64_t>(stats.resumed),
               .chaos = shop.chaos() == nullptr ? ChaosCounts() : shop.chaos()->counts()};
  return report;
}

void PrintReport(const Report& report, const Tally& tally, const PaymentAnswers& answers) {
  fmt::print("{}{}{}{}{}{}{}", IntakeTable(report.intake), OrdersTable(report, &tally),
             BooksTable(report), CallbacksTable(answers), SpeedTable(tally, *report.measured),
             HistogramOf(tally.latency), AuditTable(report.audit));
}

int Interrupted(const std::string& data, const OrderSource& orders, const Tally& tally) {
  fmt::print(stderr,
             "order_flow: stopped with {} of {} orders at rest; nothing is lost.\n"
             "  The same command with --data {} goes on from here.\n",
             FormatCount(tally.finished()), FormatCount(static_cast<int64_t>(orders.size())), data);
  return kExitInterrupted;
}

// An error in the middle: what was placed is durable.
absl::Status CutOff(const absl::Status& status, const std::string& data) {
  return {status.code(), skald::ToAbsl(fmt::format(
                             "{}\n  Nothing is lost: once the cause is gone, the same command "
                             "with --data {} goes on from here.",
                             skald::ToStd(status.message()), data))};
}

}  // namespace

absl::StatusOr<int> Run(const RunOptions& options) {
  InstallHandlers();
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<OrderSource> orders, ReadOrders(options));
  std::string data = options.data;
  if (data.empty()) {
    SKALD_ASSIGN_OR_RETURN(data, MakeFreshDirectory());
    fmt::print(stderr, "order_flow: keeping the data in {}\n", data);
  }
  SKALD_RETURN_IF_ERROR(
      PrepareData(data, {orders->identity(), options.stock_text, PaymentText(options.customers)}));
  SKALD_ASSIGN_OR_RETURN(Engine engine, OpenEngine(options, data, *orders));
  Tally tally;
  ProgressBar bar(orders->size(), orders->rounds());
  const Watch watch{.stop = [] { return interrupted.load(std::memory_order_relaxed); },
                    .progress = [&bar](size_t finished) { bar.Show(finished); }};
  const absl::Status status = Drive(engine, *orders, options, watch, tally);
  bar.Clear();
  if (absl::IsCancelled(status)) return Interrupted(data, *orders, tally);
  if (!status.ok()) return CutOff(status, data);
  SKALD_ASSIGN_OR_RETURN(const Report report,
                         MakeReport(*engine.shop, options.customers.pay_by_callback, *orders, tally,
                                    engine.coordinator->stats()));
  PrintReport(report, tally, engine.customers->answers());
  if (!options.report.empty()) SKALD_RETURN_IF_ERROR(WriteReport(report, options.report));
  return report.audit.ok() ? kExitOk : kExitWrong;
}

absl::StatusOr<int> RunAudit(const AuditOptions& options) {
  SKALD_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(options.data));
  BookStores stores;
  SKALD_ASSIGN_OR_RETURN(const auto opened, OpenBookStores(options.data, stores));
  const bool by_callback = !manifest.payment.starts_with(kPaidAtOnce);
  SKALD_ASSIGN_OR_RETURN(const Audited audited, AuditBooks(stores, by_callback));
  const Report& report = audited.report;
  fmt::print("{}{}{}{}", IntakeTable(report.intake), OrdersTable(report, nullptr),
             BooksTable(report), AuditTable(report.audit));
  if (!options.report.empty()) SKALD_RETURN_IF_ERROR(WriteReport(report, options.report));
  return report.audit.ok() ? kExitOk : kExitWrong;
}

}  // namespace order_flow
