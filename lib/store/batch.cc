#include "skald/store/batch.h"

#include <algorithm>
#include <cstring>

#include "skald/base/check.h"

namespace skald::inline v1 {
namespace {

// One operation is: a byte (kind in the low half, space in the high half), the key with its length
// before it, then for a Put the value with its length before it and for a Require eight bytes of
// version. Lengths are base-128 numbers, low digits first. This layout lives in memory only.

constexpr size_t kLengthBytesMax = 10;
constexpr size_t kVersionBytes = 8;
constexpr size_t kUnitBytesMin = 128;  // of the first allocation: one short record fits

char* WriteLength(char* to, uint64_t length) {
  for (; length >= 0x80; length >>= 7) *to++ = static_cast<char>(length | 0x80);
  *to++ = static_cast<char>(length);
  return to;
}

const char* ReadLength(const char* from, size_t& length) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto digit = static_cast<uint8_t>(*from++);
    value |= uint64_t{digit & 0x7fU} << shift;
    if (digit < 0x80) break;
  }
  length = value;
  return from;
}

// Folded multiplication, as in wyhash: each step mixes 16 bytes into the state.
__extension__ using Wide = unsigned __int128;
constexpr uint64_t kFoldA = 0xa0761d6478bd642fU;
constexpr uint64_t kFoldB = 0xe7037ed1a0b428dbU;

uint64_t Fold(uint64_t a, uint64_t b) {
  const Wide product = Wide{a ^ kFoldA} * (b ^ kFoldB);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t Word(const char* from) {
  uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

uint64_t Mix(uint64_t state, std::string_view bytes) {
  state = Fold(state, bytes.size());
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) state = Fold(Word(at) ^ state, Word(at + 8));
  char tail[16] = {};
  if (left > 0) std::memcpy(tail, at, left);
  return Fold(Word(tail) ^ state, Word(tail + 8));
}

}  // namespace

// Appended piece by piece: a vector that is made longer first writes zeros over what comes next.
void Unit::Begin(OpKind kind, Space space, std::string_view key, size_t extra) {
  const size_t needed = bytes_.size() + 1 + kLengthBytesMax + key.size() + extra;
  if (bytes_.capacity() < needed) {
    bytes_.reserve(std::max({needed, 2 * bytes_.capacity(), kUnitBytesMin}));
  }
  ++ops_;
  if (space == Space::kRows && kind != OpKind::kRequire) ++row_writes_;
  key_bytes_max_ = std::max(key_bytes_max_, key.size());
  bytes_.push_back(
      static_cast<char>(static_cast<uint8_t>(kind) | (static_cast<uint8_t>(space) << 4)));
  AppendWithLength(key);
}

void Unit::AppendWithLength(std::string_view text) {
  char length[kLengthBytesMax];
  bytes_.insert(bytes_.end(), length, WriteLength(length, text.size()));
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

void Unit::Put(Space space, std::string_view key, std::string_view value) {
  value_bytes_max_ = std::max(value_bytes_max_, value.size());
  Begin(OpKind::kPut, space, key, kLengthBytesMax + value.size());
  AppendWithLength(value);
}

void Unit::Delete(Space space, std::string_view key) {
  Begin(OpKind::kDelete, space, key, 0);
}

void Unit::Require(std::string_view key, Version version) {
  Begin(OpKind::kRequire, Space::kRows, key, kVersionBytes);
  char bytes[kVersionBytes];
  std::memcpy(bytes, &version, kVersionBytes);
  bytes_.insert(bytes_.end(), bytes, bytes + kVersionBytes);
  ++requires_;
}

void Unit::NumberKey(size_t at, uint64_t number) {
  const Op op = At(at);
  SKALD_CHECK(op.key.size() >= sizeof(number), "the key has {} bytes", op.key.size());
  char* to = bytes_.data() + (op.key.data() - bytes_.data()) + op.key.size();
  for (size_t i = 0; i < sizeof(number); ++i, number >>= 8) *--to = static_cast<char>(number);
}

void Unit::Clear() {
  bytes_.clear();
  ops_ = requires_ = row_writes_ = 0;
  key_bytes_max_ = value_bytes_max_ = 0;
}

Unit::Op Unit::At(size_t at) const {
  Op op;
  const bool found = Next(at, op);
  SKALD_CHECK(found, "at={} size={}", at, bytes_.size());
  return op;
}

bool Unit::Next(size_t& at, Op& op) const {
  if (at >= bytes_.size()) return false;
  const char* from = bytes_.data() + at;
  const auto head = static_cast<uint8_t>(*from++);
  op.kind = static_cast<OpKind>(head & 0x0f);
  op.space = static_cast<Space>(head >> 4);
  op.value = {};
  op.version = Version::kAbsent;
  size_t length = 0;
  from = ReadLength(from, length);
  op.key = {from, length};
  from += length;
  if (op.kind == OpKind::kPut) {
    from = ReadLength(from, length);
    op.value = {from, length};
    from += length;
  } else if (op.kind == OpKind::kRequire) {
    std::memcpy(&op.version, from, kVersionBytes);
    from += kVersionBytes;
  }
  at = static_cast<size_t>(from - bytes_.data());
  SKALD_DCHECK(at <= bytes_.size(), "at={} size={}", at, bytes_.size());
  return true;
}

size_t Batch::size_bytes() const {
  size_t total = 0;
  for (const Unit& unit : units) total += unit.size_bytes();
  return total;
}

uint64_t Batch::Checksum() const {
  uint64_t state = Fold(Fold(number, ticket), units.size());
  for (const Unit& unit : units) state = Mix(state, unit.bytes());
  return state;
}

}  // namespace skald::inline v1
