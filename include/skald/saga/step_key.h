// Names that the compiler knows: a step's with the type of its output, a saga's with those of its
// input and result. Everything typed hangs on them: Define, Using, Returns, Start, SupplyOutput.
//
//   struct ReserveStock : skald::StepKey<"reserve-stock", Reservation> {};
//   struct SendMail : skald::StepKey<"send-mail"> {};                      // no output: Nothing
//   inline constexpr skald::SagaKey<"place-order", 1, Order, Receipt> kPlaceOrder;
//
// A step's key is a type of its own (inherit, do not alias), so that messages and symbols stay
// short. Names are persisted: a name that was ever in production is never used for something else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "skald/base/verdict.h"

namespace skald::inline v1 {

// Long enough to be clear; short enough for labels, keys and columns.
inline constexpr size_t kNameBytesMax = 64;

// Of a step within definitions within others: their names and its own, joined by '/'.
inline constexpr size_t kStepPathBytesMax = 256;

// 1 to kNameBytesMax letters, digits, '-', '_' or '.'. ('/' joins the names of composed
// definitions.)
constexpr bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kNameBytesMax) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

namespace internal {

// A string literal as template argument.
template <size_t kSize>
struct Literal {
  char chars[kSize]{};

  consteval Literal(const char (&text)[kSize]) {  // NOLINT: implicit, so that "name" will do
    for (size_t i = 0; i < kSize; ++i) chars[i] = text[i];
  }
  constexpr std::string_view view() const { return {chars, kSize - 1}; }
};

// Payloads are plain value types; they may be incomplete where a key is declared.
template <typename T>
inline constexpr bool kIsPayload = std::is_same_v<T, std::remove_cvref_t<T>> && !std::is_void_v<T>;

// In functions: a class whose own static_assert fails loses its members under clang, and every use
// of it would be one more error.
template <bool kName, bool kOutput>
consteval bool StepKeyObeyed() {
  static_assert(kName, "skald: a step's name is 1 to 64 letters, digits, '-', '_' or '.'");
  static_assert(kOutput,
                "skald: a step's output is a plain value type; leave it out where there is none");
  return kName && kOutput;
}
template <bool kName, bool kVersion, bool kTypes>
consteval bool SagaKeyObeyed() {
  static_assert(kName, "skald: a saga's name is 1 to 64 letters, digits, '-', '_' or '.'");
  static_assert(kVersion, "skald: versions of a saga count from 1");
  static_assert(kTypes,
                "skald: a saga's input and result are plain value types; leave the result out "
                "where there is none");
  return kName && kVersion && kTypes;
}

}  // namespace internal

template <internal::Literal kName, typename OutputT = Nothing>
struct StepKey {
  using Output = OutputT;
  using Checked = std::bool_constant<
      internal::StepKeyObeyed<IsName(kName.view()), internal::kIsPayload<OutputT>>()>;

  static constexpr std::string_view name() { return kName.view(); }
};

// Names a signal and the step that waits for it (Builder::AwaitSignal). The step's output is the
// payload, or nullopt when the time was up.
//
//   struct Paid : skald::SignalKey<"paid", Payment> {};
template <internal::Literal kName, typename PayloadT = Nothing>
struct SignalKey : StepKey<kName, std::optional<PayloadT>> {
  using Payload = PayloadT;
};

template <internal::Literal kName, uint32_t kVersion, typename InputT, typename ResultT = Nothing>
struct SagaKey {
  using Input = InputT;
  using Result = ResultT;
  using Checked = std::bool_constant<
      internal::SagaKeyObeyed<IsName(kName.view()), (kVersion > 0),
                              internal::kIsPayload<InputT> && internal::kIsPayload<ResultT>>()>;

  static constexpr std::string_view name() { return kName.view(); }
  static constexpr uint32_t version() { return kVersion; }
};

}  // namespace skald::inline v1
