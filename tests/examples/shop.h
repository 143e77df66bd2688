// Runs order_flow in a test's own directory, on logs that the test writes itself.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.h"

namespace example_tests {

inline const std::string kHeader =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

// A line of the log; prices and quantities as they would stand there.
std::string Line(const std::string& number, const std::string& item, const std::string& quantity,
                 const std::string& price, const std::string& customer = "17850.0");

// A small log with something of everything, and what it adds up to.
struct SmallLog {
  std::string text;
  int64_t lines = 0;
  int64_t invoices = 0;
  int64_t sales = 0;
  int64_t returns = 0;
  int64_t units = 0;
  int64_t revenue = 0;
  int64_t units_returned = 0;
  int64_t refunded = 0;
  int64_t items = 0;
};
SmallLog MakeSmallLog(int orders);

Ended OrderFlow(std::vector<std::string> flags, const std::string& input = "");
nlohmann::json ReadJson(const std::string& path);

// Fails the test unless the report says what `log` adds up to in so many rounds, every sale and
// return completed.
void CheckReport(const nlohmann::json& report, const SmallLog& log, int rounds = 1);

}  // namespace example_tests
