// Small helpers around absl::Status, the one error type that crosses an interface.
//
//   absl::Status Load(std::string_view path) {
//     SKALD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
//     SKALD_RETURN_IF_ERROR(Annotate(Check(bytes), fmt::format("checking '{}'", path)));
//     IgnoreError(Touch(path), "the access time is a courtesy");
//     return absl::OkStatus();
//   }
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// Drops a status on purpose; `why` is for the reader.
inline void IgnoreError(const absl::Status& /*status*/, std::string_view /*why*/) {}
template <typename T>
void IgnoreError(const absl::StatusOr<T>& /*status*/, std::string_view /*why*/) {}

// The same code and payloads, the message "<text>: <message>". OK stays OK.
// COST: nothing when OK; build `text` lazily where it is costly.
SKALD_EXPORT absl::Status Annotate(const absl::Status& status, std::string_view text);

namespace internal {
inline absl::Status StatusOf(absl::Status status) {
  return status;
}
template <typename T>
absl::Status StatusOf(absl::StatusOr<T>&& status) {
  return std::move(status).status();
}
}  // namespace internal

}  // namespace skald::inline v1

#define SKALD_CONCAT_INNER_(a, b) a##b
#define SKALD_CONCAT_(a, b) SKALD_CONCAT_INNER_(a, b)

// Evaluates a Status or StatusOr expression and returns its status from the function unless it is
// OK.
#define SKALD_RETURN_IF_ERROR(...)                                         \
  do {                                                                     \
    absl::Status skald_status_ = ::skald::internal::StatusOf(__VA_ARGS__); \
    if (!skald_status_.ok()) [[unlikely]]                                  \
      return skald_status_;                                                \
  } while (false)

// `lhs` is a variable or a declaration without commas. It takes the value of a StatusOr expression;
// an error is returned from the function.
#define SKALD_ASSIGN_OR_RETURN(lhs, ...) \
  SKALD_ASSIGN_OR_RETURN_(SKALD_CONCAT_(skald_or_, __LINE__), lhs, __VA_ARGS__)
#define SKALD_ASSIGN_OR_RETURN_(tmp, lhs, ...) \
  auto tmp = (__VA_ARGS__);                    \
  if (!tmp.ok()) [[unlikely]]                  \
    return std::move(tmp).status();            \
  lhs = *std::move(tmp)
