#include "skald/base/crc32c.h"

#include <numeric>
#include <string>
#include <vector>

#include "catch.h"
#include "skald/base/random.h"

namespace {

using skald::Crc32c;
using skald::Crc32cExtend;

TEST_CASE("The checksum is that of RFC 3720, appendix B.4") {
  std::string up;
  std::string down;
  for (int i = 0; i < 32; ++i) {
    up.push_back(static_cast<char>(i));
    down.push_back(static_cast<char>(31 - i));
  }
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(Crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(Crc32c(up) == 0x46dd794e);
  CHECK(Crc32c(down) == 0x113fdb5c);
}

TEST_CASE("The check value of the CRC catalogue comes out") {
  // "123456789" is the catalogue's input for CRC-32/ISCSI.
  CHECK(Crc32c("123456789") == 0xe3069283);
  CHECK(Crc32c("") == 0);
}

TEST_CASE("Extending gives the checksum of the whole, wherever it is cut") {
  std::string bytes;
  for (int i = 0; i < 70; ++i) bytes.push_back(static_cast<char>(i * 37));
  const uint32_t whole = Crc32c(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    CHECK(Crc32cExtend(Crc32c(bytes.substr(0, cut)), std::string_view(bytes).substr(cut)) == whole);
  }
}

TEST_CASE("The portable form gives what the fast one gives") {
  skald::SeededRandom random(2);
  std::vector<size_t> sizes(300);
  std::iota(sizes.begin(), sizes.end(), size_t{0});
  // Long ones are taken in streams of 4,096 bytes, three at a time.
  for (const size_t size : {12'287, 12'288, 12'289, 24'576, 30'001, 100'000}) sizes.push_back(size);
  for (const size_t size : sizes) {
    CAPTURE(size);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    const auto seed = static_cast<uint32_t>(random.Next());
    REQUIRE(skald::internal::Crc32cExtendPortable(seed, bytes) == Crc32cExtend(seed, bytes));
  }
}

TEST_CASE("Any flipped bit changes the checksum") {
  std::string bytes = "a record of the journal";
  const uint32_t before = Crc32c(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    CHECK(Crc32c(bytes) != before);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
