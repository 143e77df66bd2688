// The rows of an outbox (docs/formats/participants.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1::internal {

struct OutboxRow {
  absl::Time added;
  Message message;
  std::string reason;  // of a parked one
};

std::string EncodeOutboxRow(const OutboxRow& row);
absl::StatusOr<OutboxRow> DecodeOutboxRow(std::string_view bytes);

// `prefix` and the id, big-endian: sorts by id.
std::string WithId(std::string_view prefix, uint64_t id);
absl::StatusOr<uint64_t> IdIn(std::string_view key, std::string_view prefix);

bool IsPlainName(std::string_view name);

}  // namespace skald::inline v1::internal
