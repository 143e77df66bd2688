// Writing and reading the byte formats of skald: fixed-width numbers in either order, varints,
// strings with their length before them.
//
//   std::string out;
//   ByteWriter(&out).U8(kVersion).Varint(count).String(key);
//
//   ByteReader in(bytes);
//   const uint8_t version = in.U8();
//   const uint64_t count = in.Varint();
//   const std::string_view key = in.String();
//   SKALD_RETURN_IF_ERROR(in.Finish("start record"));   // DataLoss: short, malformed or too long
//
// A reader never looks past its end. After its first mistake it stays failed and gives zeros and
// empty strings, so that a decoder reads all fields and asks once.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// Appends to a string that outlives it.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(*out) {}

  ByteWriter& U8(uint8_t value) { return Little(value); }
  // Little-endian: Little(uint32_t{7}). For fields.
  template <std::unsigned_integral T>
  ByteWriter& Little(T value) {
    char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    out_.append(bytes, sizeof(T));
    return *this;
  }
  // Big-endian: sorts as the number does. For keys.
  template <std::unsigned_integral T>
  ByteWriter& Big(T value) {
    char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    out_.append(bytes, sizeof(T));
    return *this;
  }
  // LEB128: seven bits a byte, low ones first; one to ten bytes.
  ByteWriter& Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  // Signed numbers as varints, small ones of either sign short: 0, -1, 1, -2 are 0, 1, 2, 3.
  ByteWriter& ZigZag(int64_t value) {
    return Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  // Without a length.
  ByteWriter& Raw(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }
  // A varint length, then the bytes.
  ByteWriter& String(std::string_view bytes) { return Varint(bytes.size()).Raw(bytes); }

 private:
  std::string& out_;
};

// Reads from bytes that outlive it; the strings it gives point into them.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t U8() { return Little<uint8_t>(); }
  template <std::unsigned_integral T>
  T Little() {
    const std::string_view bytes = Raw(sizeof(T));
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) value |= uint64_t{Byte(bytes[i])} << (8 * i);
    return static_cast<T>(value);
  }
  template <std::unsigned_integral T>
  T Big() {
    uint64_t value = 0;
    for (const char byte : Raw(sizeof(T))) value = value << 8 | Byte(byte);
    return static_cast<T>(value);
  }
  // Fails on more than 64 bits and on a longer form than Varint() writes: one value, one form.
  uint64_t Varint() {
    if (!rest_.empty() && Byte(rest_.front()) < 0x80) [[likely]] {
      const uint64_t value = Byte(rest_.front());
      rest_.remove_prefix(1);
      return value;
    }
    return LongVarint();
  }
  int64_t ZigZag() {
    const uint64_t value = Varint();
    return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
  }
  // A varint that must be at most `max`; for counts and enums.
  uint64_t VarintUpTo(uint64_t max) {
    const uint64_t value = Varint();
    return value <= max ? value : Fail();
  }
  std::string_view Raw(size_t size) {
    if (size > rest_.size()) [[unlikely]] {
      Fail();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::string_view String() { return Raw(static_cast<size_t>(Varint())); }

  // Makes the reader fail, as a wrong value found by the caller does. RETURNS: 0.
  uint64_t Fail() {
    rest_ = {};
    ok_ = false;
    return 0;
  }
  bool ok() const { return ok_; }
  size_t remaining() const { return rest_.size(); }
  std::string_view rest() const { return rest_; }

  // RETURNS: OK        everything was read and well formed
  //          DataLoss  naming `what`
  SKALD_EXPORT absl::Status Finish(std::string_view what) const;

 private:
  static uint8_t Byte(char byte) { return static_cast<uint8_t>(byte); }
  SKALD_EXPORT uint64_t LongVarint();

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace skald::inline v1
