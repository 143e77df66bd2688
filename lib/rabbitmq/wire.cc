#include "wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "skald/base/bytes.h"
#include "skald/base/check.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kPrintableMax = 255;

}  // namespace

std::string Printable(std::string_view text) {
  std::string clean(text.substr(0, kPrintableMax));
  std::replace_if(
      clean.begin(), clean.end(),
      [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, '?');
  return clean;
}

void FrameWriter::Frame(uint8_t type, amqp_channel_t channel, std::string_view head,
                        std::string_view rest) {
  ByteWriter out(&out_);
  out.U8(type).Big(channel).Big(static_cast<uint32_t>(head.size() + rest.size()));
  out.Raw(head).Raw(rest).U8(AMQP_FRAME_END);
}

void FrameWriter::Method(amqp_channel_t channel, amqp_method_number_t id, void* method) {
  const int size = amqp_encode_method(id, method, {scratch_.size(), scratch_.data()});
  SKALD_CHECK(size >= 0, "method={:#x} error={}", id, size);
  std::string head;
  ByteWriter(&head).Big(static_cast<uint32_t>(id));
  Frame(AMQP_FRAME_METHOD, channel, head, {scratch_.data(), static_cast<size_t>(size)});
}

bool FrameWriter::Content(amqp_channel_t channel, amqp_basic_properties_t& properties,
                          std::string_view body, uint32_t frame_bytes_max) {
  std::string head;
  ByteWriter(&head)
      .Big(static_cast<uint16_t>(AMQP_BASIC_CLASS))
      .Big(uint16_t{0})
      .Big(static_cast<uint64_t>(body.size()));
  const size_t room = frame_bytes_max - kFrameOverhead;
  const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &properties,
                                          {std::min(scratch_.size(), room), scratch_.data()});
  if (size < 0 || head.size() + static_cast<size_t>(size) > room) return false;
  Frame(AMQP_FRAME_HEADER, channel, head, {scratch_.data(), static_cast<size_t>(size)});
  for (; !body.empty(); body.remove_prefix(std::min(room, body.size()))) {
    Frame(AMQP_FRAME_BODY, channel, {}, body.substr(0, room));
  }
  return true;
}

void FrameWriter::Heartbeat() {
  Frame(AMQP_FRAME_HEARTBEAT, 0, {}, {});
}

void FrameReader::End::operator()(amqp_connection_state_t state) const {
  amqp_destroy_connection(state);
}

FrameReader::FrameReader() : state_(amqp_new_connection()) {
  SKALD_CHECK(state_ != nullptr);
}

void FrameReader::Tune(uint32_t frame_bytes_max) {
  amqp_tune_connection(state_.get(), 0, static_cast<int>(frame_bytes_max), 0);
}

absl::Status FrameReader::Feed(std::string_view bytes,
                               absl::FunctionRef<absl::Status(const amqp_frame_t&)> take) {
  while (!bytes.empty()) {
    amqp_frame_t frame{};
    const int used = amqp_handle_input(state_.get(), ToAmqp(bytes), &frame);
    if (used <= 0) {
      return absl::InternalError(
          fmt::format("the other side does not speak AMQP 0-9-1: {}", amqp_error_string2(used)));
    }
    bytes.remove_prefix(static_cast<size_t>(used));
    if (frame.frame_type == 0) continue;
    const absl::Status taken = take(frame);
    amqp_maybe_release_buffers(state_.get());
    if (!taken.ok()) return taken;
  }
  return absl::OkStatus();
}

}  // namespace skald::inline v1::internal
