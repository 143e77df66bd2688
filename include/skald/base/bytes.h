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

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "skald/base/check.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

inline constexpr size_t kVarintBytesMax = 10;

namespace internal {

// One load or store, written so that compilers see it.
template <std::unsigned_integral T>
T LoadLittle(const char* from) {
  T value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, sizeof value);
  } else {
    for (size_t i = sizeof(T); i-- > 0;) {
      value = static_cast<T>(uint64_t{value} << 8 | static_cast<uint8_t>(from[i]));
    }
  }
  return value;
}
template <std::unsigned_integral T>
void StoreLittle(T value, char* to) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, sizeof value);
  } else {
    for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<char>(uint64_t{value} >> (8 * i));
  }
}

// The fields of every format, over what puts bytes: Sink::Put(const char*, size_t), PutByte(char).
template <typename Sink>
class FieldWriter {
 public:
  Sink& U8(uint8_t value) {
    auto& sink = static_cast<Sink&>(*this);
    sink.PutByte(static_cast<char>(value));
    return sink;
  }
  // Little-endian: Little(uint32_t{7}). For fields.
  template <std::unsigned_integral T>
  Sink& Little(T value) {
    char bytes[sizeof(T)];
    StoreLittle(value, bytes);
    return Put(bytes, sizeof(T));
  }
  // Big-endian: sorts as the number does. For keys.
  template <std::unsigned_integral T>
  Sink& Big(T value) {
    char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    return Put(bytes, sizeof(T));
  }
  // LEB128: seven bits a byte, low ones first; one to kVarintBytesMax bytes.
  Sink& Varint(uint64_t value) {
    if (value < 0x80) [[likely]]
      return U8(static_cast<uint8_t>(value));
    char bytes[kVarintBytesMax];
    char* end = bytes;
    for (; value >= 0x80; value >>= 7) *end++ = static_cast<char>(value | 0x80);
    *end++ = static_cast<char>(value);
    return Put(bytes, static_cast<size_t>(end - bytes));
  }
  // Signed numbers as varints, small ones of either sign short: 0, -1, 1, -2 are 0, 1, 2, 3.
  Sink& ZigZag(int64_t value) {
    return Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  // Without a length.
  Sink& Raw(std::string_view bytes) { return Put(bytes.data(), bytes.size()); }
  // A varint length, then the bytes.
  Sink& String(std::string_view bytes) {
    Varint(bytes.size());
    return Raw(bytes);
  }

 private:
  Sink& Put(const char* bytes, size_t size) {
    auto& sink = static_cast<Sink&>(*this);
    sink.Put(bytes, size);
    return sink;
  }
};

}  // namespace internal

// Appends to a string that outlives it.
class ByteWriter : public internal::FieldWriter<ByteWriter> {
 public:
  explicit ByteWriter(std::string* out) : out_(*out) {}

 private:
  friend FieldWriter;
  void Put(const char* bytes, size_t size) { out_.append(bytes, size); }
  void PutByte(char byte) { out_.push_back(byte); }

  std::string& out_;
};

// The same for one record of many fields, of which a bound of its size is known: the string grows
// once, and has the record's size when the writer is gone.
class RecordWriter : public internal::FieldWriter<RecordWriter> {
 public:
  RecordWriter(std::string* out, size_t bytes_max) : out_(*out), used_(out->size()) {
    out->resize(used_ + bytes_max);
  }
  ~RecordWriter() { out_.resize(used_); }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // Of the string, with what was written so far.
  size_t size() const { return used_; }
  // Writes over what was written at `at`.
  template <std::unsigned_integral T>
  void LittleAt(size_t at, T value) {
    internal::StoreLittle(value, out_.data() + at);
  }

 private:
  friend FieldWriter;
  void Put(const char* bytes, size_t size) {
    SKALD_DCHECK(size <= out_.size() - used_, "size={} room={}", size, out_.size() - used_);
    std::copy_n(bytes, size, out_.data() + used_);
    used_ += size;
  }
  void PutByte(char byte) {
    SKALD_DCHECK(used_ < out_.size(), "room for nothing at {}", used_);
    out_[used_++] = byte;
  }

  std::string& out_;
  size_t used_;
};

// Reads from bytes that outlive it; the strings it gives point into them.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t U8() { return Little<uint8_t>(); }
  template <std::unsigned_integral T>
  T Little() {
    const std::string_view bytes = Raw(sizeof(T));
    return bytes.empty() ? T{0} : internal::LoadLittle<T>(bytes.data());
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
