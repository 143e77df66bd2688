#include "skald/store/batch.h"

#include <string>
#include <vector>

#include "catch.h"
#include "skald/store/store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::LogUnit;
using testing::RowUnit;

std::string Describe(const Unit& unit) {
  std::string text;
  unit.ForEach([&](const Unit::Op& op) {
    text += std::to_string(static_cast<int>(op.kind)) + "," +
            std::to_string(static_cast<int>(op.space)) + "," + std::string(op.key) + "," +
            std::string(op.value) + "," + std::to_string(static_cast<uint64_t>(op.version)) + ";";
  });
  return text;
}

TEST_CASE("A unit gives back its operations in the order they were added") {
  Unit unit;
  CHECK(unit.empty());
  unit.Put(Space::kLog, "key", "value");
  unit.Delete(Space::kRows, "");
  unit.Require("row", static_cast<Version>(77));
  unit.Put(Space::kRows, std::string(300, 'k'), "");
  CHECK(Describe(unit) ==
        "1,1,key,value,0;2,0,,,0;3,0,row,,77;1,0," + std::string(300, 'k') + ",,0;");
  CHECK(unit.op_count() == 4);
  CHECK(unit.require_count() == 1);
  CHECK(unit.row_write_count() == 2);
  CHECK(unit.key_bytes_max() == 300);
  CHECK(unit.value_bytes_max() == 5);
  unit.Clear();
  CHECK(unit.empty());
  CHECK(unit.op_count() == 0);
  CHECK(Describe(unit).empty());
}

TEST_CASE("Keys and values are bytes of any length") {
  const size_t length = GENERATE(0, 1, 127, 128, 16'383, 16'384, 3'000'000);
  std::string value(length, '\0');
  for (size_t i = 0; i < length; ++i) value[i] = static_cast<char>(i * 31);
  Unit unit;
  unit.Put(Space::kRows, std::string_view("\0k", 2), value);
  unit.Put(Space::kRows, "after", "x");
  const size_t after = unit.size_bytes();
  unit.Put(Space::kLog, "last", value);
  CHECK(unit.At(0).key == std::string_view("\0k", 2));
  CHECK(unit.At(0).value == value);
  CHECK(unit.At(after).value == value);
  CHECK(unit.op_count() == 3);
}

TEST_CASE("Views into a unit stay valid when it moves") {
  Unit unit = RowUnit("k", "v");
  const Unit::Op op = unit.At(0);
  std::vector<Unit> units;
  units.push_back(std::move(unit));
  for (int i = 0; i < 100; ++i) units.push_back(RowUnit("other"));
  CHECK(op.key == "k");
  CHECK(op.value == "v");
  CHECK(op.key.data() == units[0].At(0).key.data());
}

TEST_CASE("A checksum tells batches apart") {
  const auto make = [](uint64_t number, uint64_t ticket, std::vector<Unit> units) {
    return Batch{.number = number, .ticket = ticket, .units = std::move(units)};
  };
  const Unit ab = LogUnit("a", "b");
  const uint64_t base = make(1, 1, {ab}).Checksum();
  CHECK(base == make(1, 1, {ab}).Checksum());
  CHECK(base != make(2, 1, {ab}).Checksum());
  CHECK(base != make(1, 2, {ab}).Checksum());
  CHECK(base != make(1, 1, {ab, ab}).Checksum());
  CHECK(base != make(1, 1, {ab, Unit()}).Checksum());
  CHECK(base != make(1, 1, {Unit(), ab}).Checksum());
  CHECK(base != make(1, 1, {LogUnit("a", "c")}).Checksum());
  CHECK(base != make(1, 1, {LogUnit("ab", "")}).Checksum());
  CHECK(base != make(1, 1, {RowUnit("a", "b")}).Checksum());
  Unit both = LogUnit("a", "b");
  both.Put(Space::kLog, "c", "d");
  CHECK(make(1, 1, {both}).Checksum() != make(1, 1, {ab, LogUnit("c", "d")}).Checksum());
}

TEST_CASE("Every flipped bit of a batch changes its checksum") {
  const std::string value(200, 'v');
  Batch batch{.number = 1, .ticket = 1, .units = {}};
  batch.units.push_back(LogUnit("key", value));
  const uint64_t base = batch.Checksum();
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string changed = value;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    batch.units[0] = LogUnit("key", changed);
    CHECK(batch.Checksum() != base);
  }
}

TEST_CASE("Limits name what is over them") {
  const StoreLimits limits{.batch_bytes = 100, .value_bytes = 50, .batch_units = 2};
  const auto code = [&](std::vector<Unit> units) {
    return CheckLimits(Batch{.number = 1, .ticket = 1, .units = std::move(units)}, limits).code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  CHECK(code({LogUnit("k", std::string(50, 'x'))}) == absl::StatusCode::kOk);
  CHECK(code({LogUnit("k", std::string(51, 'x'))}) == kInvalid);
  CHECK(code({LogUnit("k", std::string(50, 'x')), LogUnit("k", std::string(50, 'x'))}) == kInvalid);
  CHECK(code({Unit(), Unit()}) == absl::StatusCode::kOk);
  CHECK(code({Unit(), Unit(), Unit()}) == kInvalid);
  Unit long_key;
  long_key.Delete(Space::kRows, std::string(kKeyBytesMax + 1, 'k'));
  CHECK(CheckLimits(long_key, StoreLimits{}).code() == kInvalid);
}

}  // namespace
}  // namespace skald
