#include "skald/participant/barrier_record.h"

#include <algorithm>
#include <map>

#include "catch.h"
#include "golden.h"

using namespace skald;

namespace {

constexpr EffectKey kKey{.store = StoreId{0x0102030405060708},
                         .saga = {.hash = 0x1112131415161718, .incarnation = Incarnation{42}},
                         .step = 0x21222324,
                         .index = 3,
                         .direction = Direction::kCompensation};

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

BarrierRecord Done() {
  return {.action = ActionRecord::kDone, .action_fingerprint = {1, 2}, .text = "output"};
}
BarrierRecord Rejected() {
  return {.action = ActionRecord::kRejected, .action_fingerprint = {3, 4}, .text = "sold out"};
}
BarrierRecord Undone(BarrierRecord record) {
  record.compensation = CompensationRecord::kDone;
  record.compensation_fingerprint = {5, 6};
  return record;
}
BarrierRecord NotUndone(BarrierRecord record) {
  record = Undone(std::move(record));
  record.compensation = CompensationRecord::kRejected;
  record.compensation_reason = "closed";
  return record;
}

// Every state that a record can be in, by the name it has in the golden file.
std::map<std::string, BarrierRecord> AllRecords() {
  return {{"done", Done()},
          {"done-undone", Undone(Done())},
          {"done-not-undone", NotUndone(Done())},
          {"rejected", Rejected()},
          {"rejected-undone", Undone(Rejected())},
          {"blocked", BarrierRecord{}},
          {"blocked-undone", Undone(BarrierRecord{})}};
}

}  // namespace

TEST_CASE("rows are the bytes of the golden file") {
  std::map<std::string, std::string> written;
  const std::string row_key = BarrierRowKey("stock", kKey);
  written["row-key"] = Hex(row_key);
  for (const auto& [name, record] : AllRecords()) {
    written[name] = Hex(EncodeBarrierRecord(row_key, record));
  }
  const std::string floor_key = BarrierFloorKey("stock", kKey.store);
  written["floor-key"] = Hex(floor_key);
  written["floor"] = Hex(EncodeBarrierFloor(floor_key, Incarnation{41}));
  CHECK(written == skald::testing::GoldenLines(SKALD_GOLDEN_DIR "/barrier/v1.txt"));
}

TEST_CASE("what is encoded is decoded again") {
  const std::string row_key = BarrierRowKey("stock", kKey);
  for (const auto& [name, record] : AllRecords()) {
    INFO(name);
    const auto decoded = DecodeBarrierRecord(row_key, EncodeBarrierRecord(row_key, record));
    REQUIRE(decoded.ok());
    CHECK(*decoded == record);
  }
  const std::string floor_key = BarrierFloorKey("stock", kKey.store);
  const auto floor = DecodeBarrierFloor(floor_key, EncodeBarrierFloor(floor_key, Incarnation{41}));
  REQUIRE(floor.ok());
  CHECK(floor->store == kKey.store);
  CHECK(floor->floor == Incarnation{41});
}

TEST_CASE("a row with any bit flipped, or cut, or grown, does not read") {
  const std::string row_key = BarrierRowKey("stock", kKey);
  for (const auto& [name, record] : AllRecords()) {
    INFO(name);
    const std::string good = EncodeBarrierRecord(row_key, record);
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      CHECK_FALSE(DecodeBarrierRecord(row_key, bad).ok());
    }
    for (size_t size = 0; size < good.size(); ++size) {
      CHECK_FALSE(DecodeBarrierRecord(row_key, good.substr(0, size)).ok());
    }
    CHECK_FALSE(DecodeBarrierRecord(row_key, good + '\0').ok());
  }
}

TEST_CASE("a row in another one's place does not read") {
  const std::string here = BarrierRowKey("stock", kKey);
  EffectKey other = kKey;
  ++other.saga.hash;
  const std::string value = EncodeBarrierRecord(here, Done());
  CHECK(DecodeBarrierRecord(BarrierRowKey("stock", other), value).status().code() ==
        absl::StatusCode::kDataLoss);
  CHECK(DecodeBarrierRecord(BarrierRowKey("points", kKey), value).status().code() ==
        absl::StatusCode::kDataLoss);
}

TEST_CASE("a row of a newer format is told apart from a damaged one") {
  const std::string row_key = BarrierRowKey("stock", kKey);
  std::string value = EncodeBarrierRecord(row_key, Done());
  value[0] = 2;
  CHECK(DecodeBarrierRecord(row_key, value).status().code() == absl::StatusCode::kUnimplemented);
}

TEST_CASE("an action and its compensation share a row, which sorts by store and incarnation") {
  EffectKey action = kKey;
  action.direction = Direction::kAction;
  CHECK(BarrierRowKey("stock", action) == BarrierRowKey("stock", kKey));

  const std::string bound = BarrierRowBound("stock", kKey.store, Incarnation{42});
  EffectKey older = kKey;
  older.saga = {.hash = ~uint64_t{0}, .incarnation = Incarnation{41}};
  CHECK(BarrierRowKey("stock", older) < bound);
  CHECK(BarrierRowKey("stock", kKey) >= bound);
  CHECK(BarrierRowKey("stock", older) >= BarrierRowBound("stock", kKey.store, Incarnation{0}));
}
