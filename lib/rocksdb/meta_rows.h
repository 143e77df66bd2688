// Rows that the store keeps about itself, in RocksDB's default column family, apart from all keys
// of users. Byte grammar: docs/formats/rocksdb.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/ids.h"

namespace skald::inline v1::rocks {

// Grows by one with every write batch of the store, whoever makes it. Each batch begins with it, so
// that a reader of the write-ahead log sees every gap.
inline constexpr std::string_view kOrdinalKey = "o";
// Format version and store id.
inline constexpr std::string_view kIdentityKey = "i";

// What the store knows of one writer.
struct WriterState {
  uint64_t epoch = 0;
  uint64_t last_number = 0;
  uint64_t last_ticket = 0;
  uint64_t last_checksum = 0;
};

std::string WriterNameKey(uint16_t writer);   // "n" + number; the value is the name
std::string WriterStateKey(uint16_t writer);  // "s" + number

inline constexpr size_t kOrdinalBytes = 12;
inline constexpr size_t kWriterStateBytes = 40;

std::array<char, kOrdinalBytes> EncodeOrdinal(uint64_t ordinal);
std::optional<uint64_t> DecodeOrdinal(std::string_view bytes);

std::array<char, kWriterStateBytes> EncodeWriterState(const WriterState& state);
std::optional<WriterState> DecodeWriterState(std::string_view bytes);

std::string EncodeIdentity(uint32_t format, StoreId id);
struct Identity {
  uint32_t format = 0;
  StoreId id{};
};
std::optional<Identity> DecodeIdentity(std::string_view bytes);

}  // namespace skald::inline v1::rocks
