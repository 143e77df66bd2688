// Killed at random moments and run again each time, order_flow comes to what it would have come to.
#include <signal.h>

#include <cstdlib>
#include <string>

#include "catch.h"
#include "shop.h"
#include "skald/base/random.h"

namespace example_tests {
namespace {

// By hand, twenty kills: test_examples_order_flow_faults "[kill]" after setting this. CI has few
// cores.
constexpr int kKills = 5;
#if defined(SKALD_DEBUG_CHECKS)
constexpr int kOrders = 800;  // sanitizers look for other things, and slowly
#else
constexpr int kOrders = 3000;
#endif

std::vector<std::string> Flags(const TempDirectory& dir, const std::string& stock) {
  return {"--generate",  std::to_string(kOrders),
          "--seed",      "11",
          "--data",      dir / "data",
          "--stock",     stock,
          "--report",    dir / "r.json",
          "--in-flight", "64"};
}

// Starts the run and kills it `kKills` times. RETURNS: how many kills hit a process at work.
int KillAndRepeat(const std::vector<std::string>& flags, uint64_t seed) {
  skald::SeededRandom random(seed);
  std::vector<std::string> command = flags;
  command.insert(command.begin(), ORDER_FLOW_PATH);
  int hits = 0;
  for (int i = 0; i < kKills; ++i) {
    Process process(command);
    const bool ended = process.WaitFor(absl::Milliseconds(20 + random.Below(400)));
    process.Signal(SIGKILL);
    const Ended result = process.Wait();
    INFO("seed " << seed << ", kill " << i << "\n" << result.err);
    if (ended) REQUIRE(result.code == 0);
    hits += result.signal == SIGKILL;
  }
  return hits;
}

TEST_CASE("Kills change nothing of what a run with unlimited stock comes to", "[kill]") {
  const TempDirectory undisturbed;
  REQUIRE(OrderFlow(Flags(undisturbed, "unlimited")).code == 0);
  const nlohmann::json expected = ReadJson(undisturbed / "r.json");
  const TempDirectory dir;
  const std::vector<std::string> flags = Flags(dir, "unlimited");
  CHECK(KillAndRepeat(flags, 42) > 0);
  const Ended last = OrderFlow(flags);
  INFO(last.out << last.err);
  REQUIRE(last.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  for (const char* field :
       {"lines_read", "invoices", "sales_completed", "returns_completed", "sales_compensated",
        "stuck", "units_sold", "revenue_mills", "units_returned", "refunded_mills", "items_sold"}) {
    INFO(field);
    CHECK(report[field] == expected[field]);
  }
  CHECK(report["audit"]["ok"] == true);
}

TEST_CASE("Kills leave the books in order when stock runs out", "[kill]") {
  const TempDirectory dir;
  const std::vector<std::string> flags = Flags(dir, "0.8");
  CHECK(KillAndRepeat(flags, 43) > 0);
  const Ended last = OrderFlow(flags);
  INFO(last.out << last.err);
  REQUIRE(last.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["sales_compensated"]["reserve-stock"] > 0);
  CHECK(report["stuck"] == 0);
  CHECK(OrderFlow({"audit", "--data", dir / "data"}).code == 0);
}

TEST_CASE("Kills change nothing where steps fail, customers pay by callback and an operator helps",
          "[kill]") {
  const auto flags = [](const TempDirectory& dir) {
    std::vector<std::string> all = Flags(dir, "unlimited");
    all.insert(all.end(), {"--payment-callback", "--time-to-pay", "12s", "--operator"});
    for (const std::string step :
         {"open-order", "reserve-stock", "redeem-coupon", "freeze-points", "charge", "order-paid",
          "confirm-stock", "grant-points", "mark-shipped", "order-shipped", "check-return",
          "refund", "restock", "order-returned"}) {
      all.insert(all.end(), {"--fail", step + ":rejected=0.05", "--fail", step + ":unknown=0.02"});
    }
    return all;
  };
  const TempDirectory undisturbed;
  REQUIRE(OrderFlow(flags(undisturbed)).code == 0);
  const nlohmann::json expected = ReadJson(undisturbed / "r.json");
  CHECK(expected["payments_given_back"] > 0);
  CHECK(expected["sales_compensated"]["check-payment"] > 0);
  const TempDirectory dir;
  CHECK(KillAndRepeat(flags(dir), 44) > 0);
  const Ended last = OrderFlow(flags(dir));
  INFO(last.out << last.err);
  REQUIRE(last.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  for (const char* field :
       {"lines_read", "invoices", "sales_completed", "returns_completed", "sales_compensated",
        "returns_compensated", "stuck", "units_sold", "revenue_mills", "units_returned",
        "refunded_mills", "items_sold", "payments_given_back"}) {
    INFO(field);
    CHECK(report[field] == expected[field]);
  }
  CHECK(report["stuck"] == 0);
  CHECK(OrderFlow({"audit", "--data", dir / "data"}).code == 0);
}

TEST_CASE("Customers who cancel are given back what they paid, or have their order") {
  const TempDirectory dir;
  std::vector<std::string> flags = Flags(dir, "unlimited");
  flags.insert(flags.end(), {"--payment-callback", "--time-to-pay", "2s", "--cancel", "0.3"});
  const Ended run = OrderFlow(flags);
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["audit"]["ok"] == true);
  CHECK(report["stuck"] == 0);
  CHECK(report["payments_given_back"] > 0);
  CHECK(run.out.find("cancelled") != std::string::npos);
}

TEST_CASE("An interrupted run ends in order and says how to go on") {
  const TempDirectory dir;
  const bool by_callback = GENERATE(false, true);
  std::vector<std::string> flags = Flags(dir, "unlimited");
  if (by_callback) {
    flags.insert(flags.end(), {"--payment-callback", "--unpaid", "0", "--late", "0"});
  }
  std::vector<std::string> slow = flags;
  slow.insert(slow.end(), {"--slow", "charge=50ms"});
  slow.insert(slow.begin(), ORDER_FLOW_PATH);
  Process process(slow);
  // Orders are placed once the sagas' store is there; the first end a while later.
  REQUIRE_FALSE(process.WaitFor(absl::Seconds(2)));
  process.Signal(SIGINT);
  const Ended ended = process.Wait();
  INFO(ended.err);
  CHECK(ended.code == 130);
  CHECK(ended.err.find("--data " + (dir / "data")) != std::string::npos);
  CHECK(OrderFlow({"audit", "--data", dir / "data"}).code == 0);
  REQUIRE(OrderFlow(flags).code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["sales_completed"].get<int64_t>() + report["returns_completed"].get<int64_t>() ==
        kOrders);
}

}  // namespace
}  // namespace example_tests
