#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "files.h"

namespace order_flow {
namespace {

using nlohmann::ordered_json;

ordered_json ByName(const std::map<std::string, int64_t>& counts) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

ordered_json ToJson(const Latency& latency) {
  return {{"p50", latency.p50}, {"p99", latency.p99}, {"p999", latency.p999}, {"max", latency.max}};
}

ordered_json ToJson(const ChaosCounts& chaos) {
  return {{"calls_duplicated", chaos.duplicated},
          {"calls_reordered", chaos.reordered},
          {"calls_late", chaos.late}};
}

ordered_json ToJson(const Audit& audit) {
  ordered_json checks = ordered_json::array();
  for (const Check& check : audit.checks) {
    checks.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  }
  return {{"ok", audit.ok()}, {"checks", std::move(checks)}};
}

}  // namespace

bool Audit::ok() const {
  return !checks.empty() &&
         std::ranges::all_of(checks, [](const Check& check) { return check.ok; });
}

std::string ToJson(const Report& report) {
  ordered_json json;
  json["lines_read"] = report.intake.lines_read;
  json["invoices"] = report.intake.invoices;
  json["lines_dropped"] = ByName(report.intake.lines_dropped);
  json["orders_refused"] = ByName(report.intake.orders_refused);
  json["sales_completed"] = report.sales_completed;
  json["returns_completed"] = report.returns_completed;
  json["sales_compensated"] = ByName(report.sales_compensated);
  json["returns_compensated"] = ByName(report.returns_compensated);
  json["stuck"] = report.stuck;
  json["units_sold"] = report.units_sold;
  json["revenue_mills"] = report.revenue;
  json["units_returned"] = report.units_returned;
  json["refunded_mills"] = report.refunded;
  json["items_sold"] = report.items_sold;
  json["payments_given_back"] = report.payments_given_back;
  json["sagas_per_second"] = nullptr;
  json["latency_us"] = nullptr;
  json["audit"] = ToJson(report.audit);
  json["resumed"] = nullptr;
  json["chaos"] = nullptr;
  if (report.measured) {
    json["sagas_per_second"] = report.measured->sagas_per_second;
    json["latency_us"] = ToJson(report.measured->latency_us);
    json["resumed"] = report.measured->resumed;
    json["chaos"] = ToJson(report.measured->chaos);
  }
  // Item codes are bytes in any encoding; a check may quote one.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

absl::Status WriteReport(const Report& report, const std::string& path) {
  return ReplaceFile(path, ToJson(report));
}

}  // namespace order_flow
