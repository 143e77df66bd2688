#include "skald/base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace skald::inline v1 {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

// Slicing by eight (Kounavis, Berry 2005): table i advances a byte over i more zero bytes.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t i = 1; i < 8; ++i) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = tables[i - 1][byte];
      tables[i][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}();

uint8_t Byte(char byte) {
  return static_cast<uint8_t>(byte);
}

uint64_t LoadLittle(const char* at) {
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= uint64_t{Byte(at[i])} << (8 * i);
  return word;
}

uint32_t Portable(uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    const uint64_t word = LoadLittle(bytes.data()) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (const char byte : bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ Byte(byte)) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
// The instruction takes one word a cycle and answers after three: three streams keep it busy.
constexpr size_t kStreamBytes = 4096;

// What the state becomes over kStreamBytes zero bytes, by each byte of it.
constexpr auto kOverStream = [] {
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t crc = uint32_t{1} << bit;
    // Eight bytes at a time: a compiler gives up on what takes it too many steps.
    for (size_t i = 0; i < kStreamBytes; i += 8) {
      crc = kTables[7][crc & 0xff] ^ kTables[6][crc >> 8 & 0xff] ^ kTables[5][crc >> 16 & 0xff] ^
            kTables[4][crc >> 24];
    }
    for (size_t byte = 0; byte < 256; ++byte) {
      if ((byte >> (bit % 8) & 1) != 0) tables[bit / 8][byte] ^= crc;
    }
  }
  return tables;
}();

uint64_t OverStream(uint64_t crc) {
  return kOverStream[0][crc & 0xff] ^ kOverStream[1][crc >> 8 & 0xff] ^
         kOverStream[2][crc >> 16 & 0xff] ^ kOverStream[3][crc >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) uint64_t ThreeStreams(uint64_t crc, const char* bytes) {
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < kStreamBytes; i += 8) {
    std::array<uint64_t, 3> words;
    std::memcpy(&words[0], bytes + i, 8);
    std::memcpy(&words[1], bytes + kStreamBytes + i, 8);
    std::memcpy(&words[2], bytes + 2 * kStreamBytes + i, 8);
    crc = __builtin_ia32_crc32di(crc, words[0]);
    second = __builtin_ia32_crc32di(second, words[1]);
    third = __builtin_ia32_crc32di(third, words[2]);
  }
  return OverStream(OverStream(crc) ^ second) ^ third;
}

__attribute__((target("sse4.2"))) uint32_t Sse42(uint32_t crc, std::string_view bytes) {
  uint64_t wide = static_cast<uint32_t>(~crc);
  for (; bytes.size() >= 3 * kStreamBytes; bytes.remove_prefix(3 * kStreamBytes)) {
    wide = ThreeStreams(wide, bytes.data());
  }
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<uint32_t>(wide);
  for (const char byte : bytes) narrow = __builtin_ia32_crc32qi(narrow, Byte(byte));
  return ~narrow;
}
#endif

using Extend = uint32_t (*)(uint32_t, std::string_view);

Extend Best() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2")) return &Sse42;
#endif
  return &Portable;
}

}  // namespace

uint32_t Crc32cExtend(uint32_t crc, std::string_view bytes) {
  static const Extend kExtend = Best();
  return kExtend(crc, bytes);
}

uint32_t internal::Crc32cExtendPortable(uint32_t crc, std::string_view bytes) {
  return Portable(crc, bytes);
}

}  // namespace skald::inline v1
