#include <fmt/format.h>

#include <exception>

#include "skald/base/strings.h"
#include "skald/participant/internal/barrier_inl.h"

namespace skald::inline v1::internal {

BarrierReply ReplyNotDone(NotDone not_done) {
  return {not_done.kind, std::move(not_done.reason), not_done.delay};
}

BarrierReply ReplyUnknown(std::string_view doing, const absl::Status& status) {
  return {.kind = VerdictKind::kUnknown,
          .text = fmt::format("{}: {}: {}", doing, absl::StatusCodeToString(status.code()),
                              ToStd(status.message()))};
}

BarrierReply ReplyException() {
  BarrierReply reply{.kind = VerdictKind::kUnknown};
  try {
    throw;
  } catch (const std::exception& error) {
    reply.text = fmt::format("threw: {}", error.what());
  } catch (...) {
    reply.text = "threw something that is not a std::exception";
  }
  return reply;
}

NotDone NotDoneOf(BarrierReply&& reply) {
  return {reply.kind, std::move(reply.text), reply.delay};
}

}  // namespace skald::inline v1::internal
