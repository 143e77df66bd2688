#include "skald/base/bytes.h"

#include <cstdint>
#include <limits>
#include <string>

#include "catch.h"
#include "skald/base/random.h"

namespace {

using skald::ByteReader;
using skald::ByteWriter;

TEST_CASE("Numbers are written in the order that is asked for") {
  std::string out;
  ByteWriter(&out).U8(0xab).Little(uint32_t{0x01020304}).Big(uint32_t{0x01020304});
  CHECK(out == std::string("\xab\x04\x03\x02\x01\x01\x02\x03\x04"));
}

TEST_CASE("Big-endian numbers sort as bytes do") {
  const auto bytes = [](uint64_t n) {
    std::string out;
    ByteWriter(&out).Big(n);
    return out;
  };
  CHECK(bytes(255) < bytes(256));
  CHECK(bytes(1) < bytes(std::numeric_limits<uint64_t>::max()));
}

TEST_CASE("Varints take seven bits a byte, low ones first") {
  // Examples of the DWARF standard, version 5, figure 22.
  const std::pair<uint64_t, std::string> examples[] = {{2, "\x02"},
                                                       {127, "\x7f"},
                                                       {128, std::string("\x80\x01")},
                                                       {129, std::string("\x81\x01")},
                                                       {12857, std::string("\xb9\x64")}};
  for (const auto& [value, bytes] : examples) {
    std::string out;
    ByteWriter(&out).Varint(value);
    CHECK(out == bytes);
    ByteReader in(out);
    CHECK(in.Varint() == value);
    CHECK(in.Finish("varint").ok());
  }
}

TEST_CASE("Whatever is written is read back") {
  skald::SeededRandom random(1);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t number = random.Next() >> random.Below(64);
    const std::string text(random.Below(200), static_cast<char>(number));
    const auto small = static_cast<uint16_t>(number);
    const auto sign = static_cast<int64_t>(random.Next() >> random.Below(64));
    std::string out;
    ByteWriter(&out).Varint(number).String(text).Little(small).Big(number).ZigZag(sign).ZigZag(
        -sign);
    ByteReader in(out);
    REQUIRE(in.Varint() == number);
    REQUIRE(in.String() == text);
    REQUIRE(in.Little<uint16_t>() == small);
    REQUIRE(in.Big<uint64_t>() == number);
    REQUIRE(in.ZigZag() == sign);
    REQUIRE(in.ZigZag() == -sign);
    REQUIRE(in.Finish("all").ok());
  }
}

TEST_CASE("ZigZag holds the extremes") {
  for (const int64_t value : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0},
                              int64_t{1}, std::numeric_limits<int64_t>::max()}) {
    std::string out;
    ByteWriter(&out).ZigZag(value);
    CHECK(ByteReader(out).ZigZag() == value);
  }
}

TEST_CASE("Every truncation of a record is an error, never a read past the end") {
  std::string out;
  ByteWriter(&out).Varint(300).String("key").Little(uint64_t{7}).Big(uint16_t{9}).Varint(1U << 20);
  for (size_t size = 0; size < out.size(); ++size) {
    const std::string cut = out.substr(0, size);  // of its own, so that a sanitizer sees its end
    ByteReader in(cut);
    in.Varint();
    in.String();
    in.Little<uint64_t>();
    in.Big<uint16_t>();
    in.Varint();
    CHECK_FALSE(in.ok());
    CHECK(in.Finish("record").code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("After the first error all that follows is empty") {
  const std::string bytes =
      "\x05"
      "abc";
  ByteReader in(bytes);
  CHECK(in.String().empty());
  CHECK_FALSE(in.ok());
  CHECK(in.U8() == 0);
  CHECK(in.Raw(0).empty());
  CHECK(in.remaining() == 0);
}

TEST_CASE("Bytes that are left over are an error") {
  ByteReader in("ab");
  in.U8();
  CHECK(in.ok());
  const absl::Status status = in.Finish("start record");
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(std::string(status.message()) == "reading start record: 1 bytes more than expected");
}

TEST_CASE("A varint has one form: longer ones and those over 64 bits are refused") {
  const std::string wrong[] = {std::string("\x80\x00", 2), std::string("\xff\x80\x00", 3),
                               std::string(9, '\xff') + "\x02", std::string(10, '\x80') + "\x01",
                               std::string(20, '\xff')};
  for (const std::string& bytes : wrong) {
    ByteReader in(bytes);
    in.Varint();
    CHECK_FALSE(in.ok());
  }
  const std::string largest = std::string(9, '\xff') + "\x01";
  ByteReader in(largest);
  CHECK(in.Varint() == std::numeric_limits<uint64_t>::max());
  CHECK(in.Finish("largest").ok());
}

TEST_CASE("A string with a length near the end of the address space is refused") {
  std::string out;
  ByteWriter(&out).Varint(std::numeric_limits<uint64_t>::max()).Raw("abc");
  ByteReader in(out);
  CHECK(in.String().empty());
  CHECK_FALSE(in.ok());
}

TEST_CASE("VarintUpTo refuses what is over the bound") {
  std::string out;
  ByteWriter(&out).Varint(7).Varint(8);
  ByteReader in(out);
  CHECK(in.VarintUpTo(7) == 7);
  CHECK(in.ok());
  CHECK(in.VarintUpTo(7) == 0);
  CHECK_FALSE(in.ok());
}

}  // namespace
