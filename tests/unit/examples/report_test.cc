#include "report.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.h"
#include "files.h"

namespace order_flow {
namespace {

namespace fs = std::filesystem;

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (fs::temp_directory_path() / "order_flow_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDirectory() { fs::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

Report Example() {
  Report report;
  report.intake.lines_read = 10;
  report.intake.lines_dropped["malformed"] = 1;
  report.sales_completed = 3;
  report.revenue = 2'756'381'950;
  report.audit.checks.push_back({"stock adds up", true, "1 item"});
  return report;
}

TEST_CASE("A report has every field under its name, also those that are zero") {
  Report report = Example();
  report.measured = Measured{1234.5, {1, 2, 3, 4}, 5, {6, 7, 8}};
  const auto json = nlohmann::ordered_json::parse(ToJson(report));
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  // The list that the example's README gives.
  CHECK(names == std::vector<std::string>{"lines_read",
                                          "invoices",
                                          "lines_dropped",
                                          "orders_refused",
                                          "sales_completed",
                                          "returns_completed",
                                          "sales_compensated",
                                          "returns_compensated",
                                          "stuck",
                                          "units_sold",
                                          "revenue_mills",
                                          "units_returned",
                                          "refunded_mills",
                                          "items_sold",
                                          "payments_given_back",
                                          "sagas_per_second",
                                          "latency_us",
                                          "audit",
                                          "resumed",
                                          "chaos"});
  CHECK(json["lines_dropped"]["malformed"] == 1);
  CHECK(json["revenue_mills"] == 2'756'381'950);
  CHECK(json["latency_us"]["p999"] == 3);
  CHECK(json["audit"]["ok"] == true);
  CHECK(json["resumed"] == 5);
  CHECK(json["chaos"]["calls_late"] == 8);
}

TEST_CASE("What an audit cannot measure is null") {
  const auto json = nlohmann::json::parse(ToJson(Example()));
  CHECK(json["sagas_per_second"].is_null());
  CHECK(json["latency_us"].is_null());
  CHECK(json["resumed"].is_null());
  CHECK(json["chaos"].is_null());
}

TEST_CASE("An audit is in order only if something was checked and all of it held") {
  Audit audit;
  CHECK_FALSE(audit.ok());
  audit.checks.push_back({"a", true, ""});
  CHECK(audit.ok());
  audit.checks.push_back({"b", false, ""});
  CHECK_FALSE(audit.ok());
}

TEST_CASE("A report that quotes bytes of no encoding is still JSON") {
  Report report = Example();
  report.audit.checks[0].detail = "item 'caf\xE9'";
  CHECK(nlohmann::json::accept(ToJson(report)));
}

TEST_CASE("A written report replaces the old one and leaves nothing beside it") {
  const TempDirectory directory;
  const std::string path = directory / "r.json";
  REQUIRE(WriteReport(Report(), path).ok());
  REQUIRE(WriteReport(Example(), path).ok());
  const absl::StatusOr<std::string> content = ReadSmallFile(path);
  REQUIRE(content.ok());
  CHECK(*content == ToJson(Example()));
  CHECK(std::distance(fs::directory_iterator(fs::path(path).parent_path()), {}) == 1);
}

TEST_CASE("A report that cannot be written says where and why") {
  const TempDirectory directory;
  const absl::Status missing = WriteReport(Example(), directory / "no/such/r.json");
  CHECK(missing.code() == absl::StatusCode::kNotFound);
  CHECK(std::string(missing.message()).find("no/such/r.json") != std::string::npos);
  fs::create_directory(directory / "d");
  CHECK_FALSE(WriteReport(Example(), directory / "d").ok());
  CHECK_FALSE(fs::exists(directory / "d.tmp"));
}

}  // namespace
}  // namespace order_flow
