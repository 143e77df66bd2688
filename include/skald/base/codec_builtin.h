// The codecs that come with skald. Include base/codec.h, which says how to write one.
//
// Byte formats: numbers little-endian in their own width; bool one byte, 0 or 1; optional one byte
// 0, or 1 and the value; vector a varint count, then each value with its length; structs as they
// stand in memory (little-endian hosts); strings and protobuf messages as they are.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/bytes.h"
#include "skald/base/export.h"
#include "skald/base/status.h"
#include "skald/base/verdict.h"

namespace skald::inline v1 {

template <typename T>
inline constexpr uint32_t kSchemaVersionOf = 1;

template <typename T>
struct Codec;
template <typename T>
absl::Status Encode(const T& value, std::string* out);
template <typename T>
absl::StatusOr<T> Decode(std::string_view bytes);

namespace internal {

SKALD_EXPORT absl::Status CodecThrew(std::string_view doing, std::string_view codec,
                                     std::string_view what);
SKALD_EXPORT absl::Status BadPayload(std::string_view codec, std::string_view what);

template <typename T>
concept ProtobufMessage = requires(const T& message, T& target, std::string* out) {
  { message.AppendToString(out) } -> std::same_as<bool>;
  { target.ParseFromArray(std::declval<const void*>(), 0) } -> std::same_as<bool>;
};

// Views and pointers would be written as addresses.
template <typename T>
concept ViewLike = std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                   requires(const T& view) { view.data(), view.size(); };
template <typename T>
inline constexpr bool kIsStdArray = false;
template <typename T, size_t kSize>
inline constexpr bool kIsStdArray<std::array<T, kSize>> = true;

template <typename T>
concept PlainStruct = std::is_class_v<T> && std::is_trivially_copyable_v<T> &&
                      (kIsStdArray<T> || !ViewLike<T>) && !ProtobufMessage<T>;
template <typename T>
concept GaplessStruct =
    PlainStruct<T> && (std::has_unique_object_representations_v<T> || std::is_empty_v<T>);
template <typename T>
concept Number = std::integral<T> || std::same_as<T, float> || std::same_as<T, double>;

template <size_t kSize>
using UnsignedOf = std::conditional_t<
    kSize == 1, uint8_t,
    std::conditional_t<kSize == 2, uint16_t, std::conditional_t<kSize == 4, uint32_t, uint64_t>>>;

template <Number T>
constexpr std::string_view NumberName() {
  if constexpr (std::same_as<T, bool>) return "bool";
  if constexpr (std::floating_point<T>) return sizeof(T) == 4 ? "f32" : "f64";
  constexpr size_t kWidth = std::bit_width(sizeof(T)) - 1;
  constexpr std::string_view kSigned[] = {"i8", "i16", "i32", "i64"};
  constexpr std::string_view kUnsigned[] = {"u8", "u16", "u32", "u64"};
  return std::is_signed_v<T> ? kSigned[kWidth] : kUnsigned[kWidth];
}

// "vector<" + "u32" + ">" at compile time.
template <const std::string_view&... kParts>
struct Joined {
  static constexpr auto kChars = [] {
    std::array<char, (kParts.size() + ... + 0)> chars{};
    size_t at = 0;
    const auto append = [&](std::string_view part) {
      for (const char c : part) chars[at++] = c;
    };
    (append(kParts), ...);
    return chars;
  }();
  static constexpr std::string_view kText{kChars.data(), kChars.size()};
};
inline constexpr std::string_view kVectorOpen = "vector<";
inline constexpr std::string_view kOptionalOpen = "optional<";
inline constexpr std::string_view kClose = ">";

template <typename T>
struct NumberCodec {
  static constexpr std::string_view kName = NumberName<T>();
  static constexpr uint32_t kSchemaVersion = 1;
  using Bits = UnsignedOf<sizeof(T)>;

  static void Encode(const T& value, std::string* out) {
    ByteWriter(out).Little(std::bit_cast<Bits>(value));
  }
  static absl::StatusOr<T> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    const Bits bits = in.Little<Bits>();
    if constexpr (std::same_as<T, bool>) {
      if (bits > 1) in.Fail();
    }
    SKALD_RETURN_IF_ERROR(in.Finish(kName));
    if constexpr (std::same_as<T, bool>) return bits == 1;
    return std::bit_cast<T>(bits);
  }
};

template <typename T>
struct EnumCodec {
  using Number = std::underlying_type_t<T>;
  static constexpr std::string_view kName = NumberName<Number>();
  static constexpr uint32_t kSchemaVersion = kSchemaVersionOf<T>;

  static void Encode(const T& value, std::string* out) {
    NumberCodec<Number>::Encode(static_cast<Number>(value), out);
  }
  static absl::StatusOr<T> Decode(std::string_view bytes) {
    SKALD_ASSIGN_OR_RETURN(const Number number, NumberCodec<Number>::Decode(bytes));
    return static_cast<T>(number);
  }
};

template <typename T>
struct StructCodec {
  static_assert(
      std::endian::native == std::endian::little,
      "skald: structs are written as they stand in memory, which is only portable between "
      "little-endian hosts; specialise skald::Codec for this type");
  static constexpr std::string_view kName = "struct";
  static constexpr uint32_t kSchemaVersion = kSchemaVersionOf<T>;
  static constexpr size_t kSize = std::is_empty_v<T> ? 0 : sizeof(T);

  static void Encode(const T& value, std::string* out) {
    if constexpr (kSize != 0) out->append(reinterpret_cast<const char*>(&value), kSize);
  }
  static absl::StatusOr<T> Decode(std::string_view bytes) {
    if (bytes.size() != kSize) return BadPayload(kName, "its size is not that of the struct");
    std::array<char, sizeof(T)> object{};
    if constexpr (kSize != 0) std::memcpy(object.data(), bytes.data(), kSize);
    return std::bit_cast<T>(object);
  }
};

template <typename T>
struct ProtobufCodec {
  static constexpr std::string_view kName = "protobuf";
  static constexpr uint32_t kSchemaVersion = kSchemaVersionOf<T>;

  static absl::Status Encode(const T& message, std::string* out) {
    if (message.AppendToString(out)) return absl::OkStatus();
    return absl::InvalidArgumentError("encoding a protobuf message: a required field is missing");
  }
  static absl::StatusOr<T> Decode(std::string_view bytes) {
    T message;
    if (bytes.size() > 0x7fffffff ||
        !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return BadPayload(kName, "it does not parse");
    }
    return message;
  }
};

// What a type without a codec gets: one sentence from the compiler, and members that let the rest
// of the program compile.
template <typename T>
struct NoCodec {
  static_assert(
      !PlainStruct<T>,
      "skald: this struct has padding bytes or floating-point members, so equal values need "
      "not have equal bytes; fill the gaps with named members, or specialise skald::Codec");
  static_assert(PlainStruct<T>,
                "skald: this type has no codec; specialise skald::Codec for it, or include "
                "skald/json/json_codec.h if it has to_json and from_json");
  static constexpr std::string_view kName = "none";
  static constexpr uint32_t kSchemaVersion = 0;
  static void Encode(const T& value, std::string* out);
  static absl::StatusOr<T> Decode(std::string_view bytes);
};

template <typename T>
struct ChooseCodec : NoCodec<T> {};
template <Number T>
struct ChooseCodec<T> : NumberCodec<T> {};
template <typename T>
  requires std::is_enum_v<T>
struct ChooseCodec<T> : EnumCodec<T> {};
template <ProtobufMessage T>
struct ChooseCodec<T> : ProtobufCodec<T> {};
template <GaplessStruct T>
struct ChooseCodec<T> : StructCodec<T> {};

}  // namespace internal

// The customisation point: any specialisation, constrained ones too, goes before what comes with
// skald.
template <typename T>
struct Codec : internal::ChooseCodec<T> {};

namespace internal {
template <auto kFunction>
struct Is {};

// A value of T stands in memory as its codec writes it, and the codec takes any bytes of its size.
template <typename T>
inline constexpr bool kIsItsBytes = [] {
  if constexpr (requires(Is<&Codec<T>::Encode> encode, Is<&Codec<T>::Decode> decode) {
                  requires GaplessStruct<T> && !std::is_empty_v<T>;
                  requires std::same_as<decltype(encode), Is<&StructCodec<T>::Encode>>;
                  requires std::same_as<decltype(decode), Is<&StructCodec<T>::Decode>>;
                }) {
    return true;
  } else {
    return false;
  }
}();
}  // namespace internal

template <>
struct Codec<std::string> {
  static constexpr std::string_view kName = "string";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const std::string& value, std::string* out) { out->append(value); }
  static absl::StatusOr<std::string> Decode(std::string_view bytes) { return std::string(bytes); }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr std::string_view kName =
      internal::Joined<internal::kOptionalOpen, Codec<T>::kName, internal::kClose>::kText;
  static constexpr uint32_t kSchemaVersion = Codec<T>::kSchemaVersion;

  static absl::Status Encode(const std::optional<T>& value, std::string* out) {
    ByteWriter(out).U8(value.has_value());
    return value ? skald::Encode<T>(*value, out) : absl::OkStatus();
  }
  static absl::StatusOr<std::optional<T>> Decode(std::string_view bytes) {
    if (bytes.size() == 1 && bytes[0] == 0) return std::optional<T>();
    if (bytes.empty() || bytes[0] != 1)
      return internal::BadPayload(kName, "neither 0 nor 1 leads it");
    SKALD_ASSIGN_OR_RETURN(T value, skald::Decode<T>(bytes.substr(1)));
    return std::optional<T>(std::move(value));
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static constexpr std::string_view kName =
      internal::Joined<internal::kVectorOpen, Codec<T>::kName, internal::kClose>::kText;
  static constexpr uint32_t kSchemaVersion = Codec<T>::kSchemaVersion;

  static absl::Status Encode(const std::vector<T>& values, std::string* out) {
    ByteWriter writer(out);
    writer.Varint(values.size());
    std::string one;
    for (const T& value : values) {
      one.clear();
      SKALD_RETURN_IF_ERROR(skald::Encode<T>(value, &one));
      writer.String(one);
    }
    return absl::OkStatus();
  }
  static absl::StatusOr<std::vector<T>> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    // Each value takes a byte at least: a wrong count cannot make this reserve more than was sent.
    const uint64_t count = in.VarintUpTo(bytes.size());
    std::vector<T> values;
    values.reserve(static_cast<size_t>(count));
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      SKALD_ASSIGN_OR_RETURN(T value, skald::Decode<T>(in.String()));
      values.push_back(std::move(value));
    }
    SKALD_RETURN_IF_ERROR(in.Finish(kName));
    return values;
  }
};

}  // namespace skald::inline v1
