#include "shop.h"

#include <set>

#include "catch.h"

namespace example_tests {

std::string Line(const std::string& number, const std::string& item, const std::string& quantity,
                 const std::string& price, const std::string& customer) {
  return number + "," + item + ",\"A \"\"THING\"\", RED\"," + quantity + ",2010-12-01 08:26:00," +
         price + "," + customer + ",United Kingdom\n";
}

SmallLog MakeSmallLog(int orders) {
  SmallLog log{.text = kHeader};
  std::set<std::string> items;
  for (int i = 0; i < orders; ++i) {
    const bool sale = i % 7 != 6;
    const std::string number = (sale ? "" : "C") + std::to_string(500'000 + i);
    const std::string customer = i % 9 == 0 ? "" : std::to_string(17'000 + i % 40) + ".0";
    for (int j = 0; j <= i % 5; ++j) {
      const std::string item = "ITEM " + std::to_string((i * 3 + j) % 50);
      const int64_t units = 1 + (i + j) % 12;
      log.text += Line(number, item, std::to_string(sale ? units : -units), "1.25", customer);
      ++log.lines;
      (sale ? log.units : log.units_returned) += units;
      (sale ? log.revenue : log.refunded) += units * 1250;
      if (sale) items.insert(item);
    }
    ++log.invoices;
    ++(sale ? log.sales : log.returns);
  }
  // One of each that is not taken.
  log.text += Line("A1", "B", "1", "-11062.06", "") + Line("900001", "D", "0", "1") +
              Line("900002", "D", "1", "0.0") + Line("C900003", "D", "1", "1") +
              Line("900004", "D", "1", "0.1234") + "900005,too,few\n";
  log.lines += 6;
  log.invoices += 6;
  log.items = static_cast<int64_t>(items.size());
  return log;
}

Ended OrderFlow(std::vector<std::string> flags, const std::string& input) {
  flags.insert(flags.begin(), ORDER_FLOW_PATH);
  return RunProgram(std::move(flags), input);
}

nlohmann::json ReadJson(const std::string& path) {
  INFO(path);
  const std::string text = ReadFile(path);
  REQUIRE(nlohmann::json::accept(text));
  return nlohmann::json::parse(text);
}

void CheckReport(const nlohmann::json& report, const SmallLog& log, int rounds) {
  CHECK(report["lines_read"] == log.lines * rounds);
  CHECK(report["invoices"] == log.invoices * rounds);
  CHECK(report["lines_dropped"] == nlohmann::json{{"malformed", 2 * rounds},
                                                  {"price_not_positive", rounds},
                                                  {"quantity_not_negative", rounds},
                                                  {"quantity_not_positive", rounds}});
  CHECK(report["orders_refused"] ==
        nlohmann::json{{"no_valid_line", 5 * rounds}, {"unknown_invoice_type", rounds}});
  CHECK(report["sales_completed"] == log.sales * rounds);
  CHECK(report["returns_completed"] == log.returns * rounds);
  CHECK(report["sales_compensated"].empty());
  CHECK(report["stuck"] == 0);
  CHECK(report["units_sold"] == log.units * rounds);
  CHECK(report["revenue_mills"] == log.revenue * rounds);
  CHECK(report["units_returned"] == log.units_returned * rounds);
  CHECK(report["refunded_mills"] == log.refunded * rounds);
  CHECK(report["items_sold"] == log.items);
  CHECK(report["audit"]["ok"] == true);
}

}  // namespace example_tests
