// Payload codecs for types that nlohmann-json can convert: those with to_json and from_json found
// by argument-dependent look-up, be they written by hand or by NLOHMANN_DEFINE_TYPE_….
//
//   struct Order { std::string id; int64_t total = 0; };
//   NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, id, total)
//   #include <skald/json/json_codec.h>          // Order can be a saga's input now
//
// Include it beside the type, so that every file sees the same codec. The bytes are canonical:
// object keys sorted, no white space, shortest numbers. Of the library's exceptions none gets out.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/codec.h"

namespace skald::inline v1 {

namespace internal {

template <typename T>
concept JsonCodable =
    std::is_class_v<T> && requires(nlohmann::json& json, const T& value, T& target) {
      to_json(json, value);
      from_json(std::as_const(json), target);
    };

// JSON has no infinity and no NaN: they would be written as null.
inline bool HasOddNumber(const nlohmann::json& json) {
  if (json.is_number_float()) return !std::isfinite(json.get<double>());
  if (!json.is_structured()) return false;
  for (const nlohmann::json& element : json) {
    if (HasOddNumber(element)) return true;
  }
  return false;
}

inline absl::Status JsonError(std::string_view doing, const std::exception& error) {
  return absl::Status(
      doing == "encoding" ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kDataLoss,
      std::string(doing) + " a payload as json: " + error.what());
}

}  // namespace internal

template <internal::JsonCodable T>
struct Codec<T> {
  static constexpr std::string_view kName = "json";
  static constexpr uint32_t kSchemaVersion = kSchemaVersionOf<T>;

  // RETURNS: InvalidArgument for text that is not UTF-8 and for numbers that are not finite.
  static absl::Status Encode(const T& value, std::string* out) {
    try {
      const nlohmann::json json = value;
      if (internal::HasOddNumber(json)) {
        return absl::InvalidArgumentError(
            "encoding a payload as json: a number in it is infinite or not a number");
      }
      out->append(json.dump());
    } catch (const nlohmann::json::exception& error) {
      return internal::JsonError("encoding", error);
    }
    return absl::OkStatus();
  }

  // RETURNS: DataLoss for what is not JSON, or not the JSON of a T.
  static absl::StatusOr<T> Decode(std::string_view bytes) {
    try {
      return nlohmann::json::parse(bytes).template get<T>();
    } catch (const nlohmann::json::exception& error) {
      return internal::JsonError("decoding", error);
    }
  }
};

}  // namespace skald::inline v1
