#include "skald/base/codec.h"

#include <fmt/format.h>

namespace skald::inline v1::internal {

absl::Status CodecThrew(std::string_view doing, std::string_view codec, std::string_view what) {
  return absl::InternalError(
      fmt::format("{} a payload as {}: the codec threw an exception: {}", doing, codec, what));
}

absl::Status BadPayload(std::string_view codec, std::string_view what) {
  return absl::DataLossError(fmt::format("decoding a payload as {}: {}", codec, what));
}

}  // namespace skald::inline v1::internal
