#include "skald/base/status.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

absl::Status Annotate(const absl::Status& status, std::string_view text) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), fmt::format("{}: {}", text, ToStd(status.message())));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

}  // namespace skald::inline v1
