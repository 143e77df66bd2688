// Steps fail in every way that there is; the books stay in order and nothing hangs.
#include <string>

#include "catch.h"
#include "shop.h"

namespace example_tests {
namespace {

constexpr int kOrders = 400;

nlohmann::json RunWith(const TempDirectory& dir, std::vector<std::string> faults) {
  std::vector<std::string> flags = {
      "--generate", std::to_string(kOrders), "--seed", "5", "--data", dir / "data",
      "--report",   dir / "r.json"};
  flags.insert(flags.end(), faults.begin(), faults.end());
  const Ended run = OrderFlow(flags);
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["audit"]["ok"] == true);
  return report;
}

int64_t SumOf(const nlohmann::json& counts) {
  int64_t sum = 0;
  for (const auto& [name, count] : counts.items()) sum += count.get<int64_t>();
  return sum;
}

int64_t AllOf(const nlohmann::json& report) {
  return report["sales_completed"].get<int64_t>() + report["returns_completed"].get<int64_t>() +
         report["stuck"].get<int64_t>() + SumOf(report["sales_compensated"]) +
         SumOf(report["returns_compensated"]);
}

TEST_CASE("A refusal at each step before the pivot undoes the order there") {
  for (const std::string step :
       {"open-order", "reserve-stock", "redeem-coupon", "freeze-points", "charge"}) {
    const TempDirectory dir;
    const nlohmann::json report = RunWith(dir, {"--fail", step + ":rejected=0.3"});
    INFO(step);
    CHECK(report["sales_compensated"].size() == 1);
    CHECK(report["sales_compensated"][step] > kOrders / 6);
    CHECK(report["returns_compensated"].empty() == (step != "open-order"));
    CHECK(report["stuck"] == 0);
    CHECK(AllOf(report) == kOrders);
    REQUIRE(OrderFlow({"audit", "--data", dir / "data", "--report", dir / "a.json"}).code == 0);
    const nlohmann::json audit = ReadJson(dir / "a.json");
    CHECK(audit["sales_compensated"] == report["sales_compensated"]);
    CHECK(audit["returns_compensated"] == report["returns_compensated"]);
  }
}

TEST_CASE("A refused return is undone too") {
  const TempDirectory dir;
  const nlohmann::json report =
      RunWith(dir, {"--fail", "refund:rejected=0.5", "--fail", "check-return:rejected=0.2"});
  CHECK(report["returns_compensated"]["refund"] > 0);
  CHECK(report["returns_compensated"]["check-return"] > 0);
  CHECK(report["sales_compensated"].empty());
  CHECK(AllOf(report) == kOrders);
}

TEST_CASE("Failures that pass delay orders and change nothing") {
  std::vector<std::string> faults;
  for (const std::string step :
       {"open-order", "reserve-stock", "redeem-coupon", "freeze-points", "charge", "order-paid",
        "confirm-stock", "grant-points", "mark-shipped", "order-shipped", "check-return", "refund",
        "restock", "order-returned"}) {
    for (const char* kind : {":retry=0.05", ":unknown=0.05", ":throw=0.05", ":lost=0.2"}) {
      faults.insert(faults.end(), {"--fail", step + kind});
    }
  }
  const TempDirectory dir;
  const nlohmann::json report = RunWith(dir, faults);
  CHECK(report["sales_compensated"].empty());
  CHECK(report["stuck"] == 0);
  CHECK(report["sales_completed"].get<int64_t>() + report["returns_completed"].get<int64_t>() ==
        kOrders);
  const TempDirectory quiet;
  const nlohmann::json undisturbed = RunWith(quiet, {});
  for (const char* field : {"units_sold", "revenue_mills", "units_returned", "refunded_mills"}) {
    INFO(field);
    CHECK(report[field] == undisturbed[field]);
  }
}

TEST_CASE("A refusal after an attempt that may have happened still undoes cleanly") {
  const TempDirectory dir;
  const nlohmann::json report =
      RunWith(dir, {"--fail", "freeze-points:unknown=0.5", "--fail", "freeze-points:rejected=0.3",
                    "--fail", "charge:unknown=0.3", "--fail", "charge:rejected=0.3"});
  CHECK(report["sales_compensated"]["freeze-points"] > 0);
  CHECK(report["sales_compensated"]["charge"] > 0);
  CHECK(report["stuck"] == 0);
  CHECK(AllOf(report) == kOrders);
}

TEST_CASE("A step that is rejected behind the pivot leaves its order stuck, and says so") {
  const TempDirectory dir;
  const nlohmann::json report = RunWith(dir, {"--fail", "mark-shipped:rejected=0.1"});
  CHECK(report["stuck"] > 0);
  CHECK(AllOf(report) == kOrders);
}

TEST_CASE("Whatever an order is stuck at, the books alone tell that it is not done") {
  for (const std::string step : {"order-paid", "confirm-stock", "grant-points", "mark-shipped",
                                 "order-shipped", "restock", "order-returned"}) {
    const TempDirectory dir;
    const nlohmann::json report = RunWith(dir, {"--fail", step + ":rejected=0.3"});
    INFO(step);
    CHECK(report["stuck"] > 0);
    REQUIRE(OrderFlow({"audit", "--data", dir / "data", "--report", dir / "a.json"}).code == 0);
    const nlohmann::json audit = ReadJson(dir / "a.json");
    CHECK(audit["stuck"] == report["stuck"]);
    CHECK(audit["sales_completed"] == report["sales_completed"]);
    CHECK(audit["returns_completed"] == report["returns_completed"]);
  }
}

TEST_CASE("A slow step holds up no more than its own orders") {
  const TempDirectory dir;
  const nlohmann::json report = RunWith(dir, {"--slow", "charge=5ms"});
  CHECK(report["latency_us"]["p50"] >= 5000);
  CHECK(AllOf(report) == kOrders);
}

}  // namespace
}  // namespace example_tests
