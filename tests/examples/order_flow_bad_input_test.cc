// Bad input gets a clear error, an exit code, and costs nothing that was there.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "shop.h"

namespace example_tests {
namespace {

// Runs on `path` and wants it refused with `said`, nothing placed.
void Refused(const TempDirectory& dir, const std::string& path, const std::string& said) {
  const Ended run = OrderFlow({"--orders", path, "--data", dir / "data"});
  INFO(path << "\n" << run.out << run.err);
  CHECK(run.code == 1);
  CHECK(run.err.find(said) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "data"));
}

TEST_CASE("order_flow says what is wrong with an input that it cannot read") {
  const TempDirectory dir;
  const std::string line = Line("536365", "85123A", "6", "2.55");
  Refused(dir, dir / "missing.csv", "No such file");
  Refused(dir, dir.path(), "is a directory");
  WriteFile(dir / "empty.csv", "");
  Refused(dir, dir / "empty.csv", "is empty");
  WriteFile(dir / "bare.csv", line);
  Refused(dir, dir / "bare.csv", "does not begin with the header");
  WriteFile(dir / "swapped.csv",
            "StockCode,InvoiceNo,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n");
  Refused(dir, dir / "swapped.csv", "in another order");
  WriteFile(dir / "open.csv",
            kHeader + line + "536366,A,\"never closed,6,x,1,1,1\n7,A,,1,d,1,7,X\n");
  Refused(dir, dir / "open.csv", "line 3 is never closed");
  const gzFile zipped = gzopen((dir / "cut.csv.gz").c_str(), "wb");
  const SmallLog log = MakeSmallLog(2000);
  REQUIRE(gzwrite(zipped, log.text.data(), static_cast<unsigned>(log.text.size())) > 0);
  REQUIRE(gzclose(zipped) == Z_OK);
  std::filesystem::resize_file(dir / "cut.csv.gz",
                               std::filesystem::file_size(dir / "cut.csv.gz") - 5);
  Refused(dir, dir / "cut.csv.gz", "truncated");
}

TEST_CASE("order_flow takes what is odd but readable") {
  const TempDirectory dir;
  WriteFile(dir / "odd.csv", kHeader + "1,A,\"two\nlines, and \"\"quotes\"\"\",2,d,1.5,7,X\r\n" +
                                 "2,A,caf\xE9 \xFF,1,d,0.001,,X\r\n\r\n3,A,\"" +
                                 std::string(3 << 20, 'x') +
                                 "\",1,d,1,7,X\n4,BANK CHARGES,,1,d,1,7,X");
  const Ended run =
      OrderFlow({"--orders", dir / "odd.csv", "--data", dir / "data", "--report", dir / "r.json"});
  INFO(run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["lines_read"] == 4);
  CHECK(report["sales_completed"] == 3);
  CHECK(report["revenue_mills"] == 3000 + 1 + 1000);
  CHECK(report["lines_dropped"]["malformed"] == 1);
  CHECK(report["orders_refused"]["no_valid_line"] == 1);
}

TEST_CASE("order_flow refuses flags that make no sense, before it touches anything") {
  const TempDirectory dir;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--nonsense"}, "--nonsense"},
      {{"--generate", "0"}, "--generate"},
      {{"--generate", "-1"}, "--generate"},
      {{"--generate", "many"}, "--generate"},
      {{"--generate", "5", "--orders", "x.csv"}, "--orders"},
      {{"--orders", ""}, "--orders"},
      {{"--in-flight", "0"}, "--in-flight"},
      {{"--in-flight", "1000000"}, "--in-flight"},
      {{"--stock", "some"}, "unlimited"},
      {{"--stock", "-1"}, "unlimited"},
      {{"--stock", "nan"}, "unlimited"},
      {{"--seed", "x"}, "--seed"},
      {{"--fail", "charge"}, "STEP:KIND=P"},
      {{"--fail", "pay:lost=1"}, "reserve-stock"},
      {{"--fail", "charge:lost=2"}, "probability"},
      {{"--slow", "charge=fast"}, "duration"},
      {{"--report", dir / "no/such/r.json"}, "no directory"},
      {{"--time-to-pay", "1s"}, "--payment-callback"},
      {{"--payment-callback", "--time-to-pay", "0s"}, "duration"},
      {{"--payment-callback", "--unpaid", "2"}, "--unpaid"},
      {{"--cancel", "-1"}, "--cancel"},
      {{"--cancel", "nan"}, "not a share"},
      {{"--cancel", ""}, "not a share"},
      {{"audit"}, "--data"},
      {{"adit"}, "adit"}};
  for (const auto& [flags, said] : cases) {
    std::vector<std::string> all = flags;
    if (flags[0].starts_with("--")) all.insert(all.end(), {"--data", dir / "data"});
    const Ended run = OrderFlow(all);
    INFO(fmt::format("{}\n{}{}", fmt::join(flags, " "), run.out, run.err));
    CHECK(run.code == 2);
    CHECK(run.err.find(said) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(dir / "data"));
  }
}

TEST_CASE("order_flow explains itself") {
  const Ended help = OrderFlow({"--help"});
  CHECK(help.code == 0);
  for (const char* flag :
       {"--orders", "--generate", "--seed", "--data", "--in-flight", "--stock", "--fail", "--slow",
        "--report", "audit", "--payment-callback", "--operator", "--cancel", "--repeat"}) {
    INFO(flag);
    CHECK(help.out.find(flag) != std::string::npos);
  }
}

}  // namespace
}  // namespace example_tests
