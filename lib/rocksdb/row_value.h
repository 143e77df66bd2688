// The value of a row: eight bytes of version, little-endian, then what the user put.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "skald/base/bytes.h"
#include "skald/store/batch.h"

namespace skald::inline v1::rocks {

inline constexpr size_t kVersionBytes = 8;

inline std::array<char, kVersionBytes> EncodeVersion(Version version) {
  std::array<char, kVersionBytes> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<uint64_t>(version) >> (8 * i));
  }
  return bytes;
}

struct RowValue {
  Version version;
  std::string_view value;
};

// RETURNS: nullopt when `bytes` are too short for a row.
inline std::optional<RowValue> DecodeRowValue(std::string_view bytes) {
  if (bytes.size() < kVersionBytes) return std::nullopt;
  ByteReader in(bytes);
  const auto version = static_cast<Version>(in.Little<uint64_t>());
  return RowValue{version, in.rest()};
}

}  // namespace skald::inline v1::rocks
