// What order_flow reports is what its input adds up to, and what the databases say.
#include <zlib.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "order.h"
#include "shop.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/store/committer.h"
#include "warehouses.h"

namespace example_tests {
namespace {

std::string DatabaseOf(const std::string& item) {
  return order_flow::WarehouseName(order_flow::WarehouseOf(item));
}

TEST_CASE("order_flow reports what the log adds up to, and its audit says the same") {
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(300);
  WriteFile(dir / "log.csv", log.text);
  const Ended run = OrderFlow({"--orders", dir / "log.csv", "--data", dir / "data", "--report",
                               dir / "run.json", "--stock", "unlimited"});
  INFO(run.err << run.out);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "run.json");
  CheckReport(report, log);
  CHECK(report["resumed"] == 0);
  CHECK(report["sagas_per_second"] > 0);
  CHECK(report["latency_us"]["p50"] > 0);
  CHECK(report["latency_us"]["p50"] <= report["latency_us"]["p99"]);
  CHECK(report["latency_us"]["p99"] <= report["latency_us"]["p999"]);
  CHECK(report["latency_us"]["p999"] <= report["latency_us"]["max"]);

  std::filesystem::remove_all(dir / "data/sagas");  // the audit does not need them
  const Ended audit = OrderFlow({"audit", "--data", dir / "data", "--report", dir / "audit.json"});
  INFO(audit.err << audit.out);
  REQUIRE(audit.code == 0);
  CheckReport(ReadJson(dir / "audit.json"), log);
}

TEST_CASE("order_flow reads gzip and stdin like a plain file") {
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(50);
  WriteFile(dir / "log.csv", "\xEF\xBB\xBF" + log.text);
  const gzFile zipped = gzopen((dir / "log.csv.gz").c_str(), "wb");
  REQUIRE(zipped != nullptr);
  REQUIRE(gzwrite(zipped, log.text.data(), static_cast<unsigned>(log.text.size())) > 0);
  REQUIRE(gzclose(zipped) == Z_OK);
  const Ended from_zip = OrderFlow(
      {"--orders", dir / "log.csv.gz", "--data", dir / "zip", "--report", dir / "zip.json"});
  REQUIRE(from_zip.code == 0);
  CheckReport(ReadJson(dir / "zip.json"), log);
  const Ended from_stdin = OrderFlow(
      {"--orders", "-", "--data", dir / "in", "--report", dir / "in.json"}, dir / "log.csv");
  REQUIRE(from_stdin.code == 0);
  CheckReport(ReadJson(dir / "in.json"), log);
}

TEST_CASE("order_flow run again on the same data places nothing twice") {
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(120);
  WriteFile(dir / "log.csv", log.text);
  for (int i = 0; i < 3; ++i) {
    const Ended run = OrderFlow(
        {"--orders", dir / "log.csv", "--data", dir / "data", "--report", dir / "run.json"});
    INFO(run.err << run.out);
    REQUIRE(run.code == 0);
    const nlohmann::json report = ReadJson(dir / "run.json");
    CheckReport(report, log);
    if (i > 0) CHECK(report["sagas_per_second"] == 0);
  }
}

TEST_CASE("order_flow with too little stock undoes some sales and keeps its books in order") {
  const TempDirectory dir;
  const Ended run = OrderFlow({"--generate", "2000", "--seed", "3", "--data", dir / "data",
                               "--stock", "0.7", "--report", dir / "run.json"});
  INFO(run.err << run.out);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "run.json");
  const auto undone = report["sales_compensated"]["reserve-stock"].get<int64_t>();
  CHECK(undone > 0);
  CHECK(report["stuck"] == 0);
  CHECK(report["audit"]["ok"] == true);
  CHECK(report["sales_completed"].get<int64_t>() + report["returns_completed"].get<int64_t>() +
            undone ==
        2000);
  const Ended audit = OrderFlow({"audit", "--data", dir / "data", "--report", dir / "audit.json"});
  REQUIRE(audit.code == 0);
  const nlohmann::json books = ReadJson(dir / "audit.json");
  for (const char* field :
       {"lines_read", "invoices", "sales_completed", "returns_completed", "sales_compensated",
        "units_sold", "revenue_mills", "units_returned", "refunded_mills", "items_sold", "stuck"}) {
    INFO(field);
    CHECK(books[field] == report[field]);
  }
}

TEST_CASE("order_flow says what happened, in words") {
  const TempDirectory dir;
  const Ended run = OrderFlow({"--generate", "200", "--data", dir / "data"});
  REQUIRE(run.code == 0);
  for (const char* said : {"sales completed", "revenue, pounds", "sagas per second",
                           "latency, median", "█", "Audit: the books are in order"}) {
    INFO(said);
    CHECK(run.out.find(said) != std::string::npos);
  }
  CHECK(run.err.empty());  // no progress bar where there is no terminal
}

TEST_CASE("An audit fails when one row of the books is missing or altered") {
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(60);
  WriteFile(dir / "log.csv", log.text);
  REQUIRE(OrderFlow({"--orders", dir / "log.csv", "--data", dir / "data"}).code == 0);
  // Database, key, and a word of the check that must notice.
  const std::string rows[][3] = {{DatabaseOf("ITEM 1"), "stock/ITEM 1", "stock"},
                                 {DatabaseOf("ITEM 3"), "order/500001", "stock"},
                                 {"payment", "payment/500001", "revenue"},
                                 {"payment", "refund/C500006", "refunds"},
                                 {"points", "account/17001.0", "points"},
                                 {"points", "hold/500001", "points"},
                                 {"orders", "placed/500001", "state"},
                                 {"orders", "state/500001", "state"},
                                 {"mailer", "notice/500001", "told"}};
  for (const auto& [database, key, word] : rows) {
    std::filesystem::copy(dir / "data", dir / "copy", std::filesystem::copy_options::recursive);
    {
      auto store = skald::OpenRocksDbStore(dir / ("copy/" + database));
      REQUIRE(store.ok());
      auto committer = skald::Committer::Open(**store, {.writer = "vandal"});
      REQUIRE(committer.ok());
      skald::Transaction tx = (*committer)->Begin();
      const auto row = tx.Get(key);
      INFO(key);
      REQUIRE(row.ok());
      REQUIRE(row->has_value());
      tx.Delete(key);
      REQUIRE(std::move(tx).Commit().ok());
      REQUIRE((*committer)->Shutdown(absl::Seconds(10)).ok());
    }
    const Ended audit =
        OrderFlow({"audit", "--data", dir / "copy", "--report", dir / "audit.json"});
    INFO(audit.out << audit.err);
    CHECK(audit.code == 1);
    bool noticed = false;
    const nlohmann::json report = ReadJson(dir / "audit.json");
    for (const auto& check : report["audit"]["checks"]) {
      noticed |= !check["ok"].get<bool>() &&
                 check["name"].get<std::string>().find(word) != std::string::npos;
    }
    CHECK(noticed);
    std::filesystem::remove_all(dir / "copy");
  }
}

}  // namespace
}  // namespace example_tests
