// A data directory that cannot be used is refused with the reason, and left as it is.
#include <signal.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "shop.h"

namespace example_tests {
namespace {

std::vector<std::string> Flags(const std::string& data) {
  return {"--generate", "50", "--seed", "7", "--data", data};
}

void Refused(const std::vector<std::string>& flags, const std::string& said) {
  const Ended run = OrderFlow(flags);
  INFO(run.out << run.err);
  CHECK(run.code == 1);
  CHECK(run.err.find(said) != std::string::npos);
}

TEST_CASE("order_flow refuses a data directory that is a file or holds something else") {
  const TempDirectory dir;
  WriteFile(dir / "file", "mine");
  Refused(Flags(dir / "file"), "is a file");
  Refused(Flags(dir / "file/below"), "file");
  CHECK(ReadFile(dir / "file") == "mine");
  std::filesystem::create_directory(dir / "other");
  WriteFile(dir / "other/letter.txt", "mine");
  Refused(Flags(dir / "other"), "holds files");
  CHECK(std::distance(std::filesystem::directory_iterator(dir / "other"), {}) == 1);
}

TEST_CASE("order_flow goes on only with the input and the stock that the data was made of") {
  const TempDirectory dir;
  REQUIRE(OrderFlow(Flags(dir / "data")).code == 0);
  std::vector<std::string> flags = Flags(dir / "data");
  flags[3] = "8";
  Refused(flags, "seed 8");
  flags = Flags(dir / "data");
  flags.insert(flags.end(), {"--stock", "0.5"});
  Refused(flags, "the stock");
  flags = Flags(dir / "data");
  flags.emplace_back("--payment-callback");
  Refused(flags, "payments 'at once', this run has 'by callback, 0.02 unpaid");

  CHECK(OrderFlow(Flags(dir / "data")).code == 0);
}

TEST_CASE("order_flow refuses data of another format and a manifest that does not read") {
  const TempDirectory dir;
  REQUIRE(OrderFlow(Flags(dir / "data")).code == 0);
  const std::string manifest = ReadFile(dir / "data/manifest.json");
  WriteFile(dir / "data/manifest.json", R"({"order_flow_format": 9, "input": "", "stock": ""})");
  Refused(Flags(dir / "data"), "format 9");
  Refused({"audit", "--data", dir / "data"}, "format 9");
  WriteFile(dir / "data/manifest.json", manifest.substr(0, manifest.size() / 2));
  Refused(Flags(dir / "data"), "does not read");
  WriteFile(dir / "data/manifest.json", manifest);
  CHECK(OrderFlow(Flags(dir / "data")).code == 0);
}

TEST_CASE("A crash before the manifest was whole does not spoil the directory") {
  const TempDirectory dir;
  std::filesystem::create_directory(dir / "data");
  WriteFile(dir / "data/manifest.json.tmp", "{\"order_fl");
  CHECK(OrderFlow(Flags(dir / "data")).code == 0);
}

TEST_CASE("order_flow refuses data that another process holds, and says which") {
  const TempDirectory dir;
  std::vector<std::string> slow = Flags(dir / "data");
  slow.insert(slow.end(), {"--slow", "charge=60s", "--in-flight", "4"});
  slow.insert(slow.begin(), ORDER_FLOW_PATH);
  Process holder(slow);
  // Its sagas' store is opened last.
  for (int i = 0; i < 30'000 && !std::filesystem::exists(dir / "data/sagas"); ++i) {
    REQUIRE_FALSE(holder.WaitFor(absl::Milliseconds(1)));
  }
  Refused(Flags(dir / "data"), std::to_string(holder.pid()));
  Refused({"audit", "--data", dir / "data"}, std::to_string(holder.pid()));
}

TEST_CASE("An audit of nothing says so and makes nothing") {
  const TempDirectory dir;
  Refused({"audit", "--data", dir / "none"}, "none");
  CHECK_FALSE(std::filesystem::exists(dir / "none"));
  Refused({"audit", "--data", dir.path()}, "manifest.json");
  CHECK(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace example_tests
