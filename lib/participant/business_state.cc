#include "skald/participant/business_state.h"

#include <fmt/format.h>

#include "skald/base/bytes.h"

namespace skald::inline v1::internal {
namespace {

constexpr uint8_t kFormat = 1;
// So many pairs of event and state there can be.
constexpr uint64_t kHappenedMax = 65'536;

}  // namespace

absl::StatusOr<std::optional<BusinessRow>> ReadBusinessRow(Transaction& rows,
                                                           std::string_view key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(key));
  if (!bytes) return std::nullopt;
  ByteReader in(*bytes);
  BusinessRow row;
  if (in.U8() != kFormat) in.Fail();
  row.version = in.Little<uint64_t>();
  row.state = in.U8();
  const uint64_t count = in.VarintUpTo(kHappenedMax);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t event = in.U8();
    row.happened.emplace_back(event, in.U8());
  }
  SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("state of '{}'", key)));
  return row;
}

void WriteBusinessRow(Transaction& rows, std::string_view key, const BusinessRow& row) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.U8(kFormat).Little(row.version).U8(row.state).Varint(row.happened.size());
  for (const auto& [event, state] : row.happened) out.U8(event).U8(state);
  rows.Put(key, bytes);
}

absl::Status WrongVersion(std::string_view key, uint64_t expected, uint64_t version) {
  return absl::AbortedError(
      fmt::format("'{}' is at version {}, not {}: look at it again", key, version, expected));
}

absl::Status UnknownState(std::string_view key, uint8_t state) {
  return absl::DataLossError(
      fmt::format("'{}' is in state {}, which its table does not have", key, state));
}

}  // namespace skald::inline v1::internal
