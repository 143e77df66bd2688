// How payloads (inputs, outputs, results, signals) become bytes and come back.
//
// A type is coded by Codec<T>. Out of the box: std::string, bool, integers, float, double, enums,
// Nothing, std::optional and std::vector of coded types, protobuf messages, and trivially copyable
// structs without gaps; types with nlohmann's to_json / from_json by skald/json/json_codec.h. Any
// other type brings its own:
//
//   template <>
//   struct skald::Codec<Order> {
//     static constexpr std::string_view kName = "order";   // of the encoding; persisted
//     static constexpr uint32_t kSchemaVersion = 1;        // raise it when the bytes change
//     meaning static void Encode(const Order& order, std::string* out);            // appends; or
//     absl::Status static absl::StatusOr<Order> Decode(std::string_view bytes);         // all of
//     `bytes`
//   };
//
// The schema version of a type that is coded out of the box is 1, until it says otherwise:
//   template <> inline constexpr uint32_t skald::kSchemaVersionOf<Order> = 2;
//
// Both must be visible wherever the type is used as a payload: put them beside the type. Encode
// must be canonical (equal values, equal bytes): a start is recognised as the same one by its
// bytes.
//
// A struct that is coded out of the box may be read where the saga keeps its bytes: it has no
// mutable members, and nobody writes to what a step is given.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/codec_builtin.h"
#include "skald/base/export.h"
#include "skald/base/status.h"

namespace skald::inline v1 {

// Appends the bytes of `value` to `out`; nothing of it stays there when that fails.
// RETURNS: what the codec says; Internal when it throws.
template <typename T>
absl::Status Encode(const T& value, std::string* out) {
  const size_t before = out->size();
  absl::Status status;
  try {
    if constexpr (std::is_void_v<decltype(Codec<T>::Encode(value, out))>) {
      Codec<T>::Encode(value, out);
    } else {
      status = Codec<T>::Encode(value, out);
    }
  } catch (const std::exception& error) {
    status = internal::CodecThrew("encoding", Codec<T>::kName, error.what());
  } catch (...) {
    status = internal::CodecThrew("encoding", Codec<T>::kName, "not a std::exception");
  }
  if (!status.ok()) out->resize(before);
  return status;
}

// The value whose bytes these are, all of them.
// RETURNS: what the codec says: DataLoss for bytes that it did not write; Internal when it throws.
template <typename T>
absl::StatusOr<T> Decode(std::string_view bytes) {
  try {
    return Codec<T>::Decode(bytes);
  } catch (const std::exception& error) {
    return internal::CodecThrew("decoding", Codec<T>::kName, error.what());
  } catch (...) {
    return internal::CodecThrew("decoding", Codec<T>::kName, "not a std::exception");
  }
}

}  // namespace skald::inline v1
