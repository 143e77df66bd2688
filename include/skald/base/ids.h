// Identities: of a store, a saga, and an attempt's effect.
//
// All are plain values, ordered and hashable, and written as text the same way everywhere, so that
// a key in a participant's database, a line in a log and an operator's argument can be compared by
// eye.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// A number drawn at random when a store is created; it tells two coordinators' sagas apart in one
// participant.
enum class StoreId : uint64_t {};

// Grows over the life of a store: a key that is used again after its saga expired gets a new
// incarnation and sees nothing of the old one. Zero is never given out.
enum class Incarnation : uint64_t {};

// One durable run of a definition. `hash` is the stable 64-bit hash of (definition name, key).
struct SagaId {
  uint64_t hash = 0;
  Incarnation incarnation{};

  friend auto operator<=>(const SagaId&, const SagaId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const SagaId& id) {
    return H::combine(std::move(h), id.hash, static_cast<uint64_t>(id.incarnation));
  }
};

// Sixteen hex digits of the hash, a dash, the incarnation in decimal: "00c0ffee00c0ffee-42".
SKALD_EXPORT std::string ToString(const SagaId& id);
// RETURNS: InvalidArgument when `text` is not what ToString writes.
SKALD_EXPORT absl::StatusOr<SagaId> ParseSagaId(std::string_view text);

// Which way a step is being driven.
enum class Direction : uint8_t { kAction = 1, kCompensation = 2 };

// The idempotency key of one effect: the same on every attempt, after every restart and from every
// coordinator that owns the store; different for a step's action and its compensation.
struct EffectKey {
  StoreId store{};
  SagaId saga;
  uint32_t step = 0;   // stable hash of the step's name
  uint32_t index = 0;  // instance of a fan-out; 0 otherwise
  Direction direction = Direction::kAction;

  static constexpr size_t kBytes = 33;

  friend auto operator<=>(const EffectKey&, const EffectKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const EffectKey& key) {
    return H::combine(std::move(h), static_cast<uint64_t>(key.store), key.saga, key.step, key.index,
                      static_cast<uint8_t>(key.direction));
  }

  // Big-endian: store, incarnation, hash, step, index, direction. The incarnation stands before the
  // hash so that everything of one store below a floor is one range of keys.
  SKALD_EXPORT std::array<char, kBytes> Encode() const;
  SKALD_EXPORT static absl::StatusOr<EffectKey> Decode(std::string_view bytes);
};

// 66 hex digits of Encode(): what an HTTP `Idempotency-Key` header or a payment provider gets.
SKALD_EXPORT std::string ToString(const EffectKey& key);
// RETURNS: InvalidArgument: it is not what ToString writes.
SKALD_EXPORT absl::StatusOr<EffectKey> ParseEffectKey(std::string_view text);

}  // namespace skald::inline v1
