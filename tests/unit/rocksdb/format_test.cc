// The bytes that the store keeps about itself: docs/formats/rocksdb.md.
#include "directory.h"
#include "mark.h"
#include "meta_rows.h"
#include "row_value.h"
#include "support.h"

namespace skald {
namespace {

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return text;
}

template <size_t kSize>
std::string_view View(const std::array<char, kSize>& bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

TEST_CASE("a mark slot is read back, and nothing else is taken for one") {
  const rocks::MarkSlot slot{.store = static_cast<StoreId>(0x1122), .ordinal = 7, .generation = 9};
  std::string bytes = rocks::EncodeMarkSlot(slot);
  REQUIRE(bytes.size() == rocks::kMarkSlotBytes);
  const auto read = rocks::DecodeMarkSlot(bytes);
  REQUIRE(read.has_value());
  CHECK(read->store == slot.store);
  CHECK(read->ordinal == 7);
  CHECK(read->generation == 9);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK_FALSE(rocks::DecodeMarkSlot(damaged).has_value());
  }
  CHECK_FALSE(rocks::DecodeMarkSlot(bytes.substr(0, bytes.size() - 1)).has_value());
}

TEST_CASE("the store's own rows have these bytes for ever") {
  CHECK(Hex(View(rocks::EncodeOrdinal(0x0102030405060708))) == "08070605040302011c02f926");
  CHECK(Hex(View(rocks::EncodeWriterState(
            {.epoch = 1, .last_number = 2, .last_ticket = 3, .last_checksum = 4}))) ==
        "010000000000000002000000000000000300000000000000040000000000000001000000481f6bc9");
  CHECK(Hex(rocks::EncodeIdentity(1, static_cast<StoreId>(0x1122334455667788))) ==
        "010000008877665544332211f1826039");
  CHECK(rocks::WriterNameKey(0x0102) == std::string("n\x01\x02"));
  CHECK(rocks::WriterStateKey(0x0102) == std::string("s\x01\x02"));
  CHECK(Hex(View(rocks::EncodeVersion(static_cast<Version>(0x0102)))) == "0201000000000000");
}

TEST_CASE("the store's own rows are read back, and damage in them is seen") {
  const auto ordinal = rocks::EncodeOrdinal(99);
  CHECK(rocks::DecodeOrdinal(View(ordinal)) == 99);
  auto state = rocks::EncodeWriterState(
      {.epoch = 5, .last_number = 6, .last_ticket = 7, .last_checksum = 8});
  REQUIRE(rocks::DecodeWriterState(View(state)).has_value());
  CHECK(rocks::DecodeWriterState(View(state))->last_ticket == 7);
  for (char& byte : state) {
    byte = static_cast<char>(byte ^ 1);
    CHECK_FALSE(rocks::DecodeWriterState(View(state)).has_value());
    byte = static_cast<char>(byte ^ 1);
  }
  CHECK_FALSE(rocks::DecodeOrdinal("").has_value());
  CHECK_FALSE(rocks::DecodeIdentity("short").has_value());
  CHECK_FALSE(rocks::DecodeRowValue("short").has_value());
}

TEST_CASE("a FORMAT file is read back") {
  const auto format = rocks::DecodeFormat(rocks::EncodeFormat(1, static_cast<StoreId>(0xabc)));
  REQUIRE(format.ok());
  CHECK(format->version == 1);
  CHECK(format->id == static_cast<StoreId>(0xabc));
  std::string text = rocks::EncodeFormat(1, static_cast<StoreId>(0xabc));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK_FALSE(rocks::DecodeFormat(damaged).ok());
    CHECK_FALSE(rocks::DecodeFormat(text.substr(0, i)).ok());
  }
}

}  // namespace skald
