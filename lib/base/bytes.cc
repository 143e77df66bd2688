#include "skald/base/bytes.h"

#include <fmt/format.h>

namespace skald::inline v1 {

uint64_t ByteReader::LongVarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint64_t byte = U8();
    if (!ok_) return 0;
    if (shift == 63 && byte > 1) return Fail();  // more than 64 bits
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    return byte == 0 && shift != 0 ? Fail() : value;  // the short form has no such byte
  }
  return Fail();
}

absl::Status ByteReader::Finish(std::string_view what) const {
  if (!ok_) {
    return absl::DataLossError(fmt::format("reading {}: it is too short or malformed", what));
  }
  if (!rest_.empty()) {
    return absl::DataLossError(
        fmt::format("reading {}: {} bytes more than expected", what, rest_.size()));
  }
  return absl::OkStatus();
}

}  // namespace skald::inline v1
