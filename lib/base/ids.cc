#include "skald/base/ids.h"

#include <fmt/format.h>

#include <charconv>

#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr size_t kHashDigits = 16;

// The whole of `text` as a number; no sign, no space.
bool ParseNumber(std::string_view text, int base, uint64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc() && stopped == end;
}

}  // namespace

std::string ToString(const SagaId& id) {
  return fmt::format("{:016x}-{}", id.hash, static_cast<uint64_t>(id.incarnation));
}

absl::StatusOr<SagaId> ParseSagaId(std::string_view text) {
  SagaId id;
  uint64_t incarnation = 0;
  const bool parsed = text.size() > kHashDigits + 1 &&
                      ParseNumber(text.substr(0, kHashDigits), 16, id.hash) &&
                      ParseNumber(text.substr(kHashDigits + 1), 10, incarnation);
  id.incarnation = Incarnation{incarnation};
  // Only the one form that ToString writes: no upper case, no leading zeros.
  if (parsed && ToString(id) == text) return id;
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not a saga id: sixteen hex digits, a dash and a number are expected", text));
}

std::array<char, EffectKey::kBytes> EffectKey::Encode() const {
  std::string bytes;
  bytes.reserve(kBytes);
  ByteWriter(&bytes)
      .Big(static_cast<uint64_t>(store))
      .Big(static_cast<uint64_t>(saga.incarnation))
      .Big(saga.hash)
      .Big(step)
      .Big(index)
      .U8(static_cast<uint8_t>(direction));
  SKALD_CHECK(bytes.size() == kBytes, "size={}", bytes.size());
  std::array<char, kBytes> out;
  bytes.copy(out.data(), kBytes);
  return out;
}

absl::StatusOr<EffectKey> EffectKey::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  EffectKey key;
  key.store = StoreId{in.Big<uint64_t>()};
  key.saga.incarnation = Incarnation{in.Big<uint64_t>()};
  key.saga.hash = in.Big<uint64_t>();
  key.step = in.Big<uint32_t>();
  key.index = in.Big<uint32_t>();
  key.direction = Direction{in.U8()};
  if (key.direction != Direction::kAction && key.direction != Direction::kCompensation) in.Fail();
  SKALD_RETURN_IF_ERROR(in.Finish("an effect key"));
  return key;
}

absl::StatusOr<EffectKey> ParseEffectKey(std::string_view text) {
  std::string bytes;
  uint64_t byte = 0;
  for (size_t at = 0; at + 2 <= text.size() && ParseNumber(text.substr(at, 2), 16, byte); at += 2) {
    bytes.push_back(static_cast<char>(byte));
  }
  absl::StatusOr<EffectKey> key = EffectKey::Decode(bytes);
  // Only the one form that ToString writes.
  if (key.ok() && ToString(*key) == text) return key;
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not an effect key: {} hex digits are expected", text, 2 * EffectKey::kBytes));
}

std::string ToString(const EffectKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * EffectKey::kBytes);
  for (const char byte : key.Encode()) {
    text.push_back(kDigits[static_cast<uint8_t>(byte) >> 4]);
    text.push_back(kDigits[static_cast<uint8_t>(byte) & 15]);
  }
  return text;
}

}  // namespace skald::inline v1
