#include "lease_rows.h"

#include <fmt/format.h>

#include "skald/base/bytes.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr uint8_t kFormat = 1;

}  // namespace

std::string LeaseRowKey(std::string_view name) {
  return fmt::format("~l/{}", name);
}

std::string EncodeLeaseRow(const LeaseRow& row) {
  std::string bytes;
  ByteWriter(&bytes)
      .U8(kFormat)
      .Little(row.fence)
      .Little(row.serial)
      .U8(row.held)
      .Little(static_cast<uint64_t>(absl::ToInt64Microseconds(row.duration)))
      .String(row.holder);
  return bytes;
}

absl::StatusOr<LeaseRow> DecodeLeaseRow(std::string_view bytes, std::string_view name) {
  ByteReader in(bytes);
  LeaseRow row;
  if (in.U8() != kFormat) in.Fail();
  row.fence = in.Little<uint64_t>();
  row.serial = in.Little<uint64_t>();
  row.held = in.VarintUpTo(1) == 1;
  row.duration = absl::Microseconds(static_cast<int64_t>(in.Little<uint64_t>()));
  row.holder = in.String();
  SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("row of lease '{}'", name)));
  if (row.duration <= kLeaseDurationMax && row.duration >= absl::ZeroDuration()) return row;
  return absl::DataLossError(fmt::format("row of lease '{}': its duration makes no sense", name));
}

}  // namespace skald::inline v1
