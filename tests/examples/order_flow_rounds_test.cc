// --repeat: the input in rounds, each of new orders, and books that add up over all of them.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "generator.h"
#include "repeated_orders.h"
#include "shop.h"
#include "skald/base/random.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/store/committer.h"
#include "terminal.h"

namespace example_tests {
namespace {

using order_flow::GeneratedOrders;
using order_flow::Order;
using order_flow::OrderKind;
using order_flow::OrderSource;
using order_flow::ProgressLine;
using order_flow::RepeatedOrders;

// The numbers under which orders were opened.
std::set<std::string> Opened(const std::string& data) {
  std::set<std::string> numbers;
  const auto store = skald::OpenRocksDbStore(data + "/orders");
  REQUIRE(store.ok());
  const auto rows = (*store)->Scan(skald::Space::kRows, {"placed/", "placed0"});
  REQUIRE(rows.ok());
  for (; (*rows)->Valid(); (*rows)->Next()) numbers.emplace((*rows)->key().substr(7));
  REQUIRE((*rows)->status().ok());
  return numbers;
}

TEST_CASE("Rounds have the input's lines under numbers of their own") {
  constexpr size_t kOrders = 200;
  constexpr size_t kRounds = 3;
  const GeneratedOrders once(kOrders, 5);
  const auto rounds = RepeatedOrders::Over(std::make_unique<GeneratedOrders>(kOrders, 5), kRounds);
  REQUIRE(rounds.ok());
  const OrderSource& all = **rounds;
  REQUIRE(all.size() == kOrders * kRounds);
  CHECK(all.rounds() == kRounds);
  CHECK(all.identity() != once.identity());
  CHECK(all.counts().invoices == once.counts().invoices * 3);
  CHECK(all.counts().lines_read == once.counts().lines_read * 3);
  for (const auto& [item, units] : once.demand()) REQUIRE(all.demand().at(item) == units * 3);
  std::set<std::string> numbers;
  std::set<std::string> coupons;
  size_t with_coupon = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    Order order = all.At(i);
    const Order original = once.At(i % kOrders);
    const size_t round = i / kOrders + 1;
    CHECK(order.number == original.number + (round == 1 ? "" : "-" + std::to_string(round)));
    numbers.insert(order.number);
    with_coupon += !order.coupon.empty();
    if (!order.coupon.empty()) coupons.insert(order.coupon);
    if (order.kind == OrderKind::kReturn) CHECK(order.coupon.empty());
    order.number = original.number;
    order.coupon = original.coupon;
    REQUIRE(order == original);
  }
  CHECK(numbers.size() == all.size());
  CHECK(with_coupon > kOrders / 10);  // one in eight of those that may have one, of each round
  CHECK(coupons.size() == with_coupon);
}

TEST_CASE("order_flow in rounds places each as new orders and adds all of them up") {
  constexpr int kRounds = 4;
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(70);
  WriteFile(dir / "log.csv", log.text);
  const std::vector<std::string> flags = {"--orders", dir / "log.csv", "--repeat",
                                          "4",        "--data",        dir / "data",
                                          "--report", dir / "run.json"};
  for (int time = 0; time < 2; ++time) {
    const Ended run = OrderFlow(flags);
    INFO(run.err << run.out);
    REQUIRE(run.code == 0);
    const nlohmann::json report = ReadJson(dir / "run.json");
    CheckReport(report, log, kRounds);
    if (time > 0) CHECK(report["sagas_per_second"] == 0);
  }
  const std::set<std::string> opened = Opened(dir / "data");
  CHECK(std::ssize(opened) == (log.sales + log.returns) * kRounds);
  for (const char* number : {"500001", "500001-2", "500001-4", "C500006", "C500006-3"}) {
    INFO(number);
    CHECK(opened.contains(number));
  }
  CHECK_FALSE(opened.contains("500001-5"));
  const Ended audit = OrderFlow({"audit", "--data", dir / "data", "--report", dir / "audit.json"});
  INFO(audit.err << audit.out);
  REQUIRE(audit.code == 0);
  CheckReport(ReadJson(dir / "audit.json"), log, kRounds);
}

TEST_CASE("order_flow goes on with as many rounds as its data was made of, and no others") {
  const TempDirectory dir;
  const std::vector<std::string> flags = {"--generate", "50", "--data", dir / "data", "--repeat"};
  const auto with = [&](const std::string& rounds) {
    std::vector<std::string> all = flags;
    all.push_back(rounds);
    return OrderFlow(all);
  };
  REQUIRE(with("2").code == 0);
  const Ended other = with("3");
  CHECK(other.code == 1);
  CHECK(other.err.find("in 2 rounds") != std::string::npos);
  CHECK(with("2").code == 0);
}

TEST_CASE("A fraction of the stock is one of what all rounds order") {
  const TempDirectory dir;
  const auto run = [&](const std::string& stock) {
    const Ended ended = OrderFlow({"--generate", "300", "--repeat", "3", "--data", dir / stock,
                                   "--stock", stock, "--report", dir / "r.json"});
    INFO(ended.out << ended.err);
    REQUIRE(ended.code == 0);
    return ReadJson(dir / "r.json");
  };
  const nlohmann::json enough = run("1");
  CHECK(enough["sales_compensated"].empty());
  CHECK(enough["sales_completed"].get<int64_t>() + enough["returns_completed"].get<int64_t>() ==
        900);
  CHECK(run("0.5")["sales_compensated"]["reserve-stock"] > 0);
}

TEST_CASE("Kills change nothing of what rounds come to", "[kill]") {
  constexpr int kKills = 6;
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(600);
  WriteFile(dir / "log.csv", log.text);
  const std::vector<std::string> flags = {"--orders", dir / "log.csv", "--repeat",    "5",
                                          "--data",   dir / "data",    "--in-flight", "64",
                                          "--report", dir / "r.json"};
  std::vector<std::string> command = flags;
  command.insert(command.begin(), ORDER_FLOW_PATH);
  skald::SeededRandom random(45);
  int hits = 0;
  for (int i = 0; i < kKills; ++i) {
    Process process(command);
    process.WaitFor(absl::Milliseconds(100 + random.Below(300)));
    process.Signal(SIGKILL);
    hits += process.Wait().signal == SIGKILL;
  }
  CHECK(hits > 0);
  const Ended last = OrderFlow(flags);
  INFO(last.out << last.err);
  REQUIRE(last.code == 0);
  CheckReport(ReadJson(dir / "r.json"), log, 5);
  CHECK(std::ssize(Opened(dir / "data")) == (log.sales + log.returns) * 5);
}

TEST_CASE("An audit of many orders notices a wrong row wherever it stands") {
  const TempDirectory dir;
  const Ended run = OrderFlow({"--generate", "800", "--repeat", "5", "--data", dir / "data"});
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
  const auto opened = Opened(dir / "data");
  const std::vector<std::string> numbers(opened.begin(), opened.end());
  REQUIRE(numbers.size() == 4000);
  // Those of returns come behind those of sales. Orders are read a thousand at a time.
  const auto first_return = std::lower_bound(numbers.begin(), numbers.end(), "C");
  const auto last_sale = static_cast<size_t>(first_return - numbers.begin()) - 1;
  REQUIRE(last_sale > 3000);
  for (const size_t at : {size_t{0}, size_t{999}, size_t{1000}, size_t{1001}, last_sale}) {
    std::filesystem::copy(dir / "data", dir / "copy", std::filesystem::copy_options::recursive);
    {
      auto store = skald::OpenRocksDbStore(dir / "copy/payment");
      REQUIRE(store.ok());
      auto committer = skald::Committer::Open(**store, {.writer = "vandal"});
      REQUIRE(committer.ok());
      skald::Transaction rows = (*committer)->Begin();
      rows.Delete("payment/" + numbers[at]);
      REQUIRE(std::move(rows).Commit().ok());
      REQUIRE((*committer)->Shutdown(absl::Seconds(10)).ok());
    }
    const Ended audit = OrderFlow({"audit", "--data", dir / "copy"});
    INFO(audit.out << audit.err);
    CHECK(audit.code == 1);
    CHECK(audit.out.find("order " + numbers[at] + " ") != std::string::npos);
    std::filesystem::remove_all(dir / "copy");
  }
}

TEST_CASE("order_flow refuses rounds that make no sense, before it touches anything") {
  const TempDirectory dir;
  for (const char* rounds : {"0", "-1", "many", "", "1.5", "10000000"}) {
    const Ended run = OrderFlow({"--generate", "5", "--repeat", rounds, "--data", dir / "data"});
    INFO("'" << rounds << "'\n" << run.err);
    CHECK(run.code == 2);
    CHECK(run.err.find("--repeat") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(dir / "data"));
  }
  const Ended many =
      OrderFlow({"--generate", "1000", "--repeat", "100001", "--data", dir / "data"});
  CHECK(many.code == 2);
  CHECK(many.err.find("give 100000 at most") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "data"));
  // Of a file this is known once it is read.
  WriteFile(dir / "log.csv", MakeSmallLog(200).text);
  const Ended file =
      OrderFlow({"--orders", dir / "log.csv", "--repeat", "1000000", "--data", dir / "data"});
  CHECK(file.code == 1);
  CHECK(file.err.find("give 500000 at most") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "data"));
}

TEST_CASE("The progress of several rounds says which is under way") {
  const absl::Duration time = absl::Seconds(1);
  CHECK(ProgressLine(50, 100, 1, time).find("round") == std::string::npos);
  CHECK(ProgressLine(0, 100, 4, time).ends_with("round 1 of 4"));
  CHECK(ProgressLine(24, 100, 4, time).ends_with("round 1 of 4"));
  CHECK(ProgressLine(25, 100, 4, time).ends_with("round 2 of 4"));
  CHECK(ProgressLine(100, 100, 4, time).ends_with("round 4 of 4"));
  CHECK(ProgressLine(0, 0, 4, time).find("round") == std::string::npos);
}

}  // namespace
}  // namespace example_tests
