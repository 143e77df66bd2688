// The row of a lease, as it stands in docs/formats/participants.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace skald::inline v1 {

constexpr absl::Duration kLeaseDurationMax = absl::Hours(24);

// Who holds it, and a serial that each renewal changes.
struct LeaseRow {
  uint64_t fence = 0;
  uint64_t serial = 0;
  bool held = false;
  absl::Duration duration;
  std::string holder;
};

std::string LeaseRowKey(std::string_view name);
std::string EncodeLeaseRow(const LeaseRow& row);
// RETURNS: DataLoss, naming the lease.
absl::StatusOr<LeaseRow> DecodeLeaseRow(std::string_view bytes, std::string_view name);

}  // namespace skald::inline v1
