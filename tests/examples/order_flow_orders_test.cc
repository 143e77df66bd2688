// Orders have a number, a state that moves along its table, and others hear of it once.
#include <map>
#include <string>

#include "catch.h"
#include "order_states.h"
#include "rows.h"
#include "shop.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace example_tests {
namespace {

using order_flow::NoticeRow;
using order_flow::PlacedRow;
using order_flow::SaleState;
using order_flow::StateRow;

// The rows of a kind in one of the databases, by order.
template <typename Row>
std::map<std::string, Row> RowsOf(const std::string& database, const std::string& prefix) {
  std::map<std::string, Row> rows;
  const auto store = skald::OpenRocksDbStore(database);
  REQUIRE(store.ok());
  const std::string end = prefix.substr(0, prefix.size() - 1) + "0";  // '0' is behind '/'
  const auto cursor = (*store)->Scan(skald::Space::kRows, skald::KeyRange{prefix, end});
  REQUIRE(cursor.ok());
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    const std::string key((*cursor)->key());
    auto row = order_flow::DecodeRow<Row>(key, (*cursor)->value());
    REQUIRE(row.ok());
    rows.emplace(key.substr(prefix.size()), *std::move(row));
  }
  return rows;
}

std::map<SaleState, int> StatesIn(const std::string& data) {
  std::map<SaleState, int> count;
  for (const auto& [number, row] : RowsOf<StateRow>(data + "/orders", "state/")) {
    if (!number.starts_with('C')) ++count[static_cast<SaleState>(row.state)];
  }
  return count;
}

// The number behind `name` in a table.
int64_t Said(const std::string& out, const std::string& name) {
  const size_t at = out.find("  " + name + "  ");
  INFO(name << " in\n" << out);
  REQUIRE(at != std::string::npos);
  return std::stoll(out.substr(at + 2 + name.size()));
}

TEST_CASE("order_flow states prints the tables of order states as diagrams") {
  const Ended ended = OrderFlow({"states"});
  CHECK(ended.code == 0);
  for (const char* line :
       {"stateDiagram-v2", "pending_payment --> paid : pay", "paid --> refunded : refund",
        "shipped --> signed : sign", "cancelled --> [*]", "announced --> returned : take_in"}) {
    INFO(line);
    CHECK(ended.out.find(line) != std::string::npos);
  }
}

TEST_CASE("A request keeps the order number that it got first, however often it is repeated") {
  const TempDirectory dir;
  const std::vector<std::string> flags = {"--generate", "300", "--data", dir / "data"};
  REQUIRE(OrderFlow(flags).code == 0);
  const auto first = RowsOf<PlacedRow>(dir / "data/orders", "placed/");
  CHECK(first.size() == 300);
  REQUIRE(OrderFlow(flags).code == 0);
  const auto again = RowsOf<PlacedRow>(dir / "data/orders", "placed/");
  REQUIRE(again.size() == first.size());
  for (const auto& [number, row] : first) CHECK(again.at(number).id == row.id);
}

TEST_CASE("Paid twice is already paid, and paid too late may not be and is given back") {
  const TempDirectory dir;
  const Ended run = OrderFlow({"--generate", "600", "--seed", "4", "--data", dir / "data",
                               "--report", dir / "r.json", "--payment-callback", "--time-to-pay",
                               "2s", "--unpaid", "0.1", "--late", "0.1", "--twice", "0.2"});
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(Said(run.out, "paid") == report["sales_completed"]);
  CHECK(Said(run.out, "already paid") > 50);
  CHECK(Said(run.out, "may not be paid: given back") > 20);
  CHECK(Said(run.out, "may not be paid: given back") == report["payments_given_back"]);
  const std::map<SaleState, int> states = StatesIn(dir / "data");
  CHECK(states.at(SaleState::kShipped) == report["sales_completed"]);
  CHECK(states.at(SaleState::kCancelled) == report["sales_compensated"]["check-payment"]);
  CHECK(states.size() == 2);
}

TEST_CASE("An order that was paid and then declined is refunded, and each event is told once") {
  const TempDirectory dir;
  const Ended run = OrderFlow({"--generate", "400", "--data", dir / "data", "--report",
                               dir / "r.json", "--payment-callback", "--unpaid", "0", "--late", "0",
                               "--fail", "charge:rejected=0.2", "--sign", "0.5"});
  INFO(run.out << run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json report = ReadJson(dir / "r.json");
  CHECK(report["sales_compensated"]["charge"] > 30);
  std::map<SaleState, int> states = StatesIn(dir / "data");
  CHECK(states[SaleState::kRefunded] == report["sales_compensated"]["charge"]);
  CHECK(states[SaleState::kSigned] > 80);
  CHECK(states[SaleState::kSigned] + states[SaleState::kShipped] == report["sales_completed"]);
  std::map<std::string, int> told;
  for (const auto& [number, row] : RowsOf<NoticeRow>(dir / "data/mailer", "notice/")) {
    for (const auto& event : row.events) ++told[event.code];
  }
  CHECK(told["order.paid"] == told["order.shipped"] + told["order.refunded"]);
  CHECK(told["order.refunded"] == states[SaleState::kRefunded]);
  CHECK(told["order.shipped"] == report["sales_completed"]);
  CHECK(told["order.signed"] == states[SaleState::kSigned]);
  CHECK(told["order.returned"] == report["returns_completed"]);
}

}  // namespace
}  // namespace example_tests
