#include "skald/base/hash.h"

#include <cstdint>
#include <string>

#include "catch.h"

namespace {

using skald::Hash128;
using skald::SipHasher;
using skald::StableHash128;
using skald::StableHash64;
using skald::StepHash;

std::string Hex(uint64_t number) {  // as bytes, lowest first
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int shift = 0; shift < 64; shift += 8) {
    text.push_back(kDigits[(number >> (shift + 4)) & 15]);
    text.push_back(kDigits[(number >> shift) & 15]);
  }
  return text;
}

struct Vector {
  size_t size;
  const char* narrow;
  const char* wide;
};

// vectors_sip64 and vectors_sip128 of the authors' reference implementation, for inputs 00 01 02 ….
constexpr Vector kVectors[] = {
    {0, "310e0edd47db6f72", "a3817f04ba25a8e66df67214c7550293"},
    {1, "fd67dc93c539f874", "da87c1d86b99af44347659119b22fc45"},
    {7, "37d1018bf50002ab", "a1f1ebbed8dbc153c0b84aa61ff08239"},
    {8, "6224939a79f5f593", "3b62a9ba6258f5610f83e264f31497b4"},
    {15, "e545be4961ca29a1", "5493e99933b0a8117e08ec0f97cfc3d9"},
    {16, "db9bc2577fcc2a3f", "6ee2a4ca67b054bbfd3315bf85230577"},
    {31, "42c341d8fa92d832", "2939b0183223fafc1723de4f52c43d35"},
    {63, "724506eb4c328a95", "5150d1772f50834a503e069a973fbd7c"},
};

SipHasher Reference(bool wide) {
  return {0x0706050403020100, 0x0f0e0d0c0b0a0908, wide};
}

std::string Counting(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST_CASE("SipHash-2-4 gives the authors' test vectors") {
  for (const Vector& vector : kVectors) {
    SipHasher narrow = Reference(false);
    narrow.Append(Counting(vector.size));
    CHECK(Hex(narrow.Finish().low) == vector.narrow);
    SipHasher wide = Reference(true);
    wide.Append(Counting(vector.size));
    const Hash128 hash = wide.Finish();
    CHECK(Hex(hash.low) + Hex(hash.high) == vector.wide);
  }
}

TEST_CASE("Where the input is cut makes no difference") {
  const std::string bytes = Counting(63);
  for (size_t first = 0; first <= 20; ++first) {
    for (size_t second = first; second <= 40; ++second) {
      SipHasher hasher = Reference(false);
      hasher.Append(std::string_view(bytes).substr(0, first));
      hasher.Append(std::string_view(bytes).substr(first, second - first));
      hasher.Append(std::string_view(bytes).substr(second));
      REQUIRE(Hex(hasher.Finish().low) == "724506eb4c328a95");
    }
  }
}

TEST_CASE("The stored hashes never change") {
  // From a second implementation, in Python, that passes the authors' vectors too.
  CHECK(StableHash64("place-order", "order-1") == 0xfbb58ac961706e11);
  CHECK(StableHash128("place-order", "order-1") == Hash128{0x14a4f71d2cf2b15f, 0xef7b08042e42d916});
  CHECK(StepHash("reserve-stock") == 0x696aadc2);
  CHECK(StepHash("") == 0x1a8f8736);
}

TEST_CASE("The border between the parts counts") {
  CHECK(StableHash64("ab", "c") != StableHash64("a", "bc"));
  CHECK(StableHash64("abc") != StableHash64("ab", "c"));
  CHECK(StableHash64("a", "") != StableHash64("", "a"));
}

TEST_CASE("Hashes are known at compile time and the same at run time") {
  constexpr uint32_t kStep = StepHash("redeem-coupon");
  const std::string name = "redeem-coupon";
  CHECK(kStep == StepHash(name));
}

}  // namespace
