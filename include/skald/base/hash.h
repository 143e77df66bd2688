// Hashes that may be stored: the same bytes on every machine, in every build, for ever.
//
// All are SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) under a fixed,
// public key: well mixed and quick, but no defence against someone who chooses the input. Equality
// is decided by comparing the whole key, never by the hash alone.
//
//   const uint64_t shard = StableHash64(definition_name, key) % shards;
//   constexpr uint32_t step = StepHash("reserve-stock");
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace skald::inline v1 {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

// SipHash-2-4 in pieces: Append any number of times, then Finish once. `wide` gives 128 bits.
class SipHasher {
 public:
  constexpr SipHasher(uint64_t key0, uint64_t key1, bool wide)
      : v_{0x736f6d6570736575U ^ key0, 0x646f72616e646f6dU ^ key1 ^ (wide ? 0xeeU : 0U),
           0x6c7967656e657261U ^ key0, 0x7465646279746573U ^ key1},
        wide_(wide) {}

  constexpr void Append(std::string_view bytes) {
    for (; !bytes.empty() && total_ % 8 != 0; bytes.remove_prefix(1)) AppendByte(bytes.front());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      Absorb(Load(bytes));
      total_ += 8;
    }
    for (const char byte : bytes) AppendByte(byte);
  }
  // Eight bytes, little-endian.
  constexpr void Append(uint64_t number) {
    if (total_ % 8 == 0) {
      Absorb(number);
      total_ += 8;
      return;
    }
    for (int shift = 0; shift < 64; shift += 8) AppendByte(static_cast<char>(number >> shift));
  }
  constexpr Hash128 Finish() {
    Absorb(tail_ | (total_ << 56));
    v_[2] ^= wide_ ? 0xeeU : 0xffU;
    const uint64_t low = Squeeze();
    if (!wide_) return {low, 0};
    v_[1] ^= 0xddU;
    return {low, Squeeze()};
  }

 private:
  static constexpr uint64_t Rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
  static constexpr uint64_t Load(std::string_view bytes) {
    uint64_t word = 0;
    // gcc 12 does not see that the loop is one load.
    if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
      std::memcpy(&word, bytes.data(), sizeof word);
      return word;
    }
    for (size_t i = 0; i < 8; ++i) word |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    return word;
  }
  constexpr void AppendByte(char byte) {
    tail_ |= uint64_t{static_cast<uint8_t>(byte)} << (8 * (total_ % 8));
    if (++total_ % 8 != 0) return;
    Absorb(tail_);
    tail_ = 0;
  }
  constexpr void Absorb(uint64_t word) {
    v_[3] ^= word;
    Rounds(2);
    v_[0] ^= word;
  }
  constexpr uint64_t Squeeze() {
    Rounds(4);
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }
  constexpr void Rounds(int count) {
    for (; count > 0; --count) {
      v_[0] += v_[1], v_[1] = Rotate(v_[1], 13) ^ v_[0], v_[0] = Rotate(v_[0], 32);
      v_[2] += v_[3], v_[3] = Rotate(v_[3], 16) ^ v_[2];
      v_[0] += v_[3], v_[3] = Rotate(v_[3], 21) ^ v_[0];
      v_[2] += v_[1], v_[1] = Rotate(v_[1], 17) ^ v_[2], v_[2] = Rotate(v_[2], 32);
    }
  }

  std::array<uint64_t, 4> v_;
  uint64_t tail_ = 0;   // the bytes of an unfinished word
  uint64_t total_ = 0;  // bytes appended
  bool wide_;
};

namespace internal {
template <std::convertible_to<std::string_view>... Parts>
constexpr Hash128 StableHash(bool wide, const Parts&... parts) {
  // The ASCII of "skald stable key"; part of every stored hash and therefore never changed.
  SipHasher hasher(0x747320646c616b73U, 0x79656b20656c6261U, wide);
  const auto append = [&](std::string_view part) {
    hasher.Append(uint64_t{part.size()});
    hasher.Append(part);
  };
  (append(parts), ...);
  return hasher.Finish();
}
}  // namespace internal

// Over the parts, each with its length before it: ("ab", "c") and ("a", "bc") differ.
template <std::convertible_to<std::string_view>... Parts>
constexpr uint64_t StableHash64(const Parts&... parts) {
  return internal::StableHash(false, parts...).low;
}
template <std::convertible_to<std::string_view>... Parts>
constexpr Hash128 StableHash128(const Parts&... parts) {
  return internal::StableHash(true, parts...);
}

// The number by which a step is journaled: never 0. Two steps of one definition that meet in it are
// refused when the definition is built.
constexpr uint32_t StepHash(std::string_view name) {
  const uint64_t hash = StableHash64(name);
  const auto folded = static_cast<uint32_t>(hash ^ (hash >> 32));
  return folded == 0 ? 1 : folded;
}

}  // namespace skald::inline v1
