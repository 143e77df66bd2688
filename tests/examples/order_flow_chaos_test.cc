// Calls between sagas and participants come twice, out of order and late; the books do not show it.
#include <signal.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "shop.h"
#include "skald/base/random.h"

namespace example_tests {
namespace {

#if defined(SKALD_DEBUG_CHECKS)
constexpr int kOrdersUnderKills = 600;  // sanitizers look for other things, and slowly
#else
constexpr int kOrdersUnderKills = 2000;
#endif

const std::vector<std::string> kChaos = {"--chaos-duplicates", "0.2", "--chaos-reorder", "0.2",
                                         "--chaos-late",       "0.2"};

std::vector<std::string> With(std::vector<std::string> flags,
                              const std::vector<std::string>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

// What is counted, without what is measured.
nlohmann::json BooksOf(const std::string& path) {
  nlohmann::json report = ReadJson(path);
  for (const char* name : {"sagas_per_second", "latency_us", "audit", "resumed", "chaos"}) {
    REQUIRE(report.erase(name) == 1);
  }
  return report;
}

void Succeed(const std::vector<std::string>& flags) {
  const Ended run = OrderFlow(flags);
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
}

TEST_CASE("A log is replayed to the same books, however its calls come") {
  const TempDirectory dir;
  const SmallLog log = MakeSmallLog(300);
  WriteFile(dir / "log.csv", log.text);
  const auto flags = [&](const std::string& name) {
    return std::vector<std::string>{"--orders", dir / "log.csv", "--data",
                                    dir / name, "--report",      dir / (name + ".json")};
  };
  Succeed(flags("calm"));
  Succeed(With(flags("chaos"), kChaos));
  CheckReport(ReadJson(dir / "chaos.json"), log);
  CHECK(BooksOf(dir / "chaos.json") == BooksOf(dir / "calm.json"));
  const nlohmann::json calm = ReadJson(dir / "calm.json")["chaos"];
  const nlohmann::json chaos = ReadJson(dir / "chaos.json")["chaos"];
  for (const char* kind : {"calls_duplicated", "calls_reordered", "calls_late"}) {
    INFO(kind);
    CHECK(calm[kind] == 0);
    CHECK(chaos[kind] > 300);
  }
}

TEST_CASE("Each kind of chaos by itself does what it says, and no more") {
  for (const std::string kind : {"duplicates", "reorder", "late"}) {
    const TempDirectory dir;
    Succeed({"--generate", "200", "--data", dir / "data", "--report", dir / "r.json",
             "--chaos-" + kind, "0.5"});
    const nlohmann::json chaos = ReadJson(dir / "r.json")["chaos"];
    INFO(kind << " " << chaos.dump());
    CHECK((chaos["calls_duplicated"] > 200) == (kind == "duplicates"));
    CHECK((chaos["calls_reordered"] > 200) == (kind == "reorder"));
    CHECK((chaos["calls_late"] > 200) == (kind == "late"));
    CHECK(chaos["calls_duplicated"].get<int64_t>() + chaos["calls_reordered"].get<int64_t>() +
              chaos["calls_late"].get<int64_t>() <
          4000);
  }
}

TEST_CASE("A share of chaos that makes no sense is refused") {
  for (const char* share : {"2", "-0.1", "much", ""}) {
    INFO(share);
    CHECK(OrderFlow({"--generate", "1", "--chaos-late", share}).code == 2);
  }
}

TEST_CASE("Undone orders stay undone when their held-back calls arrive behind it") {
  const TempDirectory dir;
  const auto flags = [&](const std::string& name) {
    std::vector<std::string> all = {"--generate", "400",      "--seed",   "5",
                                    "--data",     dir / name, "--report", dir / (name + ".json")};
    for (const char* step : {"reserve-stock", "freeze-points", "charge", "refund"}) {
      all.insert(all.end(), {"--fail", std::string(step) + ":rejected=0.2"});
    }
    return With(all,
                {"--payment-callback", "--time-to-pay", "10s", "--unpaid", "0", "--late", "0.1"});
  };
  Succeed(flags("calm"));
  Succeed(With(flags("chaos"),
               {"--chaos-duplicates", "0.3", "--chaos-reorder", "0.9", "--chaos-late", "0.3"}));
  const nlohmann::json books = BooksOf(dir / "chaos.json");
  CHECK(books == BooksOf(dir / "calm.json"));
  CHECK(books["sales_compensated"]["charge"] > 10);
  CHECK(books["stuck"] == 0);
  Succeed({"audit", "--data", dir / "chaos"});
}

TEST_CASE("Kills and chaos together change nothing of the books", "[kill]") {
  const TempDirectory dir;
  const auto flags = [&](const std::string& name) {
    return std::vector<std::string>{"--generate",  std::to_string(kOrdersUnderKills),
                                    "--seed",      "11",
                                    "--data",      dir / name,
                                    "--report",    dir / (name + ".json"),
                                    "--in-flight", "64"};
  };
  Succeed(flags("calm"));
  std::vector<std::string> command = With(flags("killed"), kChaos);
  command.insert(command.begin(), ORDER_FLOW_PATH);
  skald::SeededRandom random(45);
  int hits = 0;
  for (int i = 0; i < 5; ++i) {
    Process process(command);
    process.WaitFor(absl::Milliseconds(50 + random.Below(400)));
    process.Signal(SIGKILL);
    hits += process.Wait().signal == SIGKILL;
    // In order as far as they have come; the sagas' store is opened last.
    const bool begun = std::filesystem::exists(dir / "killed/sagas");
    if (begun) Succeed({"audit", "--data", dir / "killed"});
  }
  CHECK(hits > 0);
  Succeed(With(flags("killed"), kChaos));
  CHECK(BooksOf(dir / "killed.json") == BooksOf(dir / "calm.json"));
  Succeed({"audit", "--data", dir / "killed"});
}

}  // namespace
}  // namespace example_tests
