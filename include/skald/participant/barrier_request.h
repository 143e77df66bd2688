// What a participant is asked: under which key, by whom, for what.
//
//   const auto request = skald::BarrierRequest::Of(step, order);        // `step`: a StepContext
//
// A participant behind a wire makes one from what it received:
//
//   const skald::BarrierRequest request{.key = key, .floor = floor, .fingerprint = body_hash};
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "skald/base/codec.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"

namespace skald::inline v1 {

// What a coordinator's StepContext offers; anything else with these two will do.
template <typename C>
concept EffectContext = requires(const C& context) {
  { context.idempotency_key() } -> std::convertible_to<EffectKey>;
  { context.floor() } -> std::convertible_to<Incarnation>;
};

struct BarrierRequest {
  // Of the action, or of its compensation: the direction is part of it.
  EffectKey key;
  // Every live saga of key.store has at least this incarnation.
  Incarnation floor{};
  // Of what is asked for. The same key with another one is refused, so leave out what may differ
  // between two attempts (a time, an attempt number, an output that may be unknown).
  Hash128 fingerprint{};

  // The fingerprint is that of the encoded `arguments`; an argument that its codec refuses counts
  // as empty. It is no defence against someone who looks for two requests with one fingerprint.
  template <EffectContext Context, typename... Arguments>
  static BarrierRequest Of(const Context& context, const Arguments&... arguments) {
    SipHasher hasher(0, 0, /*wide=*/true);
    std::string bytes;
    [[maybe_unused]] const auto append = [&](const auto& argument) {
      bytes.clear();
      IgnoreError(Encode(argument, &bytes), "an empty argument, on every attempt alike");
      hasher.Append(uint64_t{bytes.size()});
      hasher.Append(std::string_view(bytes));
    };
    (append(arguments), ...);
    return {context.idempotency_key(), context.floor(), hasher.Finish()};
  }
};

}  // namespace skald::inline v1
