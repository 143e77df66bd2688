#include "skald/store/store.h"

#include <fmt/core.h>

#include <algorithm>

#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {
constexpr size_t kWriterNameMax = 64;
}  // namespace

absl::Status CheckLimits(const Unit& unit, const StoreLimits& limits) {
  if (unit.size_bytes() > limits.batch_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("a unit of {} bytes is over the store's limit of {} bytes a batch",
                    unit.size_bytes(), limits.batch_bytes));
  }
  if (unit.value_bytes_max() > limits.value_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("a value of {} bytes is over the store's limit of {} bytes",
                    unit.value_bytes_max(), limits.value_bytes));
  }
  if (unit.key_bytes_max() > kKeyBytesMax) {
    return absl::InvalidArgumentError(fmt::format("a key of {} bytes is over the limit of {} bytes",
                                                  unit.key_bytes_max(), kKeyBytesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Batch& batch, const StoreLimits& limits) {
  if (batch.units.size() > limits.batch_units) {
    return absl::InvalidArgumentError(
        fmt::format("a batch of {} units is over the store's limit of {}", batch.units.size(),
                    limits.batch_units));
  }
  size_t bytes = 0;
  for (const Unit& unit : batch.units) {
    if (absl::Status status = CheckLimits(unit, limits); !status.ok()) return status;
    bytes += unit.size_bytes();
  }
  if (bytes > limits.batch_bytes) {
    return absl::InvalidArgumentError(fmt::format(
        "a batch of {} bytes is over the store's limit of {} bytes", bytes, limits.batch_bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckWriterName(std::string_view writer) {
  const bool printable =
      std::all_of(writer.begin(), writer.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!writer.empty() && writer.size() <= kWriterNameMax && printable) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("a writer's name is 1 to {} printable ASCII characters; this one has {}{}",
                  kWriterNameMax, writer.size(), printable ? "" : ", not all of them printable"));
}

}  // namespace skald::inline v1
