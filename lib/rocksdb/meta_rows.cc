#include "meta_rows.h"

#include <algorithm>

#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/crc32c.h"

namespace skald::inline v1::rocks {
namespace {

constexpr uint32_t kWriterStateVersion = 1;

template <std::unsigned_integral T>
char* Append(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) *to++ = static_cast<char>(value >> (8 * i));
  return to;
}

std::string NumberedKey(char kind, uint16_t writer) {
  std::string key(1, kind);
  ByteWriter(&key).Big(writer);
  return key;
}

template <size_t kSize>
void AppendCrc(std::array<char, kSize>& bytes) {
  const std::string_view covered(bytes.data(), kSize - sizeof(uint32_t));
  Append(bytes.data() + covered.size(), Crc32c(covered));
}

// The bytes before a valid CRC; empty unless `bytes` have just `size` bytes and it is valid.
std::string_view Covered(std::string_view bytes, size_t size) {
  if (bytes.size() != size) return {};
  const std::string_view covered = bytes.substr(0, size - sizeof(uint32_t));
  ByteReader in(bytes.substr(covered.size()));
  return in.Little<uint32_t>() == Crc32c(covered) ? covered : std::string_view();
}

}  // namespace

std::string WriterNameKey(uint16_t writer) {
  return NumberedKey('n', writer);
}
std::string WriterStateKey(uint16_t writer) {
  return NumberedKey('s', writer);
}

std::array<char, kOrdinalBytes> EncodeOrdinal(uint64_t ordinal) {
  std::array<char, kOrdinalBytes> bytes;
  Append(bytes.data(), ordinal);
  AppendCrc(bytes);
  return bytes;
}

std::optional<uint64_t> DecodeOrdinal(std::string_view bytes) {
  const std::string_view covered = Covered(bytes, kOrdinalBytes);
  if (covered.empty()) return std::nullopt;
  return ByteReader(covered).Little<uint64_t>();
}

std::array<char, kWriterStateBytes> EncodeWriterState(const WriterState& state) {
  std::array<char, kWriterStateBytes> bytes;
  char* to = Append(bytes.data(), state.epoch);
  to = Append(to, state.last_number);
  to = Append(to, state.last_ticket);
  to = Append(to, state.last_checksum);
  // The version is small: it shares eight bytes with the CRC.
  to = Append(to, kWriterStateVersion);
  SKALD_DCHECK(to + sizeof(uint32_t) == bytes.data() + bytes.size());
  AppendCrc(bytes);
  return bytes;
}

std::optional<WriterState> DecodeWriterState(std::string_view bytes) {
  ByteReader in(Covered(bytes, kWriterStateBytes));
  WriterState state;
  state.epoch = in.Little<uint64_t>();
  state.last_number = in.Little<uint64_t>();
  state.last_ticket = in.Little<uint64_t>();
  state.last_checksum = in.Little<uint64_t>();
  const auto version = in.Little<uint32_t>();
  if (!in.ok() || version != kWriterStateVersion) return std::nullopt;
  return state;
}

std::string EncodeIdentity(uint32_t format, StoreId id) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Little(format).Little(static_cast<uint64_t>(id)).Little(Crc32c(bytes));
  return bytes;
}

std::optional<Identity> DecodeIdentity(std::string_view bytes) {
  ByteReader in(Covered(bytes, 16));
  Identity identity;
  identity.format = in.Little<uint32_t>();
  identity.id = static_cast<StoreId>(in.Little<uint64_t>());
  if (!in.ok()) return std::nullopt;
  return identity;
}

}  // namespace skald::inline v1::rocks
