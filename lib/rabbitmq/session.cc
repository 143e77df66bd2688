#include "session.h"

#include <fmt/format.h>

#include <algorithm>

#include "message.h"
#include "skald/base/check.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr size_t kReceiveBytes = size_t{64} << 10;
// What was sent is dropped from the front of the output when it is so much.
constexpr size_t kSentBytesMax = size_t{256} << 10;
constexpr std::string_view kHello("AMQP\x00\x00\x09\x01", 8);

using Kind = SessionEvent::Kind;

template <typename Method>
const Method& As(const amqp_method_t& method) {
  return *static_cast<const Method*>(method.decoded);
}

}  // namespace

Session::Session(const RabbitMqOptions& options, Socket socket, absl::Duration now)
    : options_(options),
      socket_(std::move(socket)),
      out_(kHello),
      writer_(&out_),
      buffer_(kReceiveBytes),
      deadline_(now + options.connect_timeout),
      last_sent_(now),
      last_received_(now) {}

absl::StatusOr<std::unique_ptr<Session>> Session::Connect(const RabbitMqOptions& options,
                                                          const Address& address,
                                                          absl::Duration now) {
  SKALD_ASSIGN_OR_RETURN(Socket socket, Socket::Connect(address));
  auto session = std::unique_ptr<Session>(new Session(options, std::move(socket), now));
  session->PrepareTopology();
  return session;
}

std::string_view Session::doing() const {
  switch (phase_) {
    case Phase::kStart:
      return "connecting";
    case Phase::kTune:
      return "logging in";
    case Phase::kOpen:
      return "opening the vhost";
    case Phase::kChannel:
      return "declaring exchange and queues";
    case Phase::kReady:
      break;
  }
  return "publishing";
}

absl::Status Session::Publish(const OutgoingMessage& message) {
  SKALD_DCHECK(ready());
  const size_t before = out_.size();
  amqp_basic_publish_t method{};
  method.exchange = ToAmqp(options_.exchange);
  method.routing_key = ToAmqp(message.message.topic);
  method.mandatory = 1;
  writer_.Method(kChannel, AMQP_BASIC_PUBLISH_METHOD, &method);
  MessageProperties properties(message);
  if (writer_.Content(kChannel, properties.amqp(), message.message.body, frame_bytes_max_)) {
    return absl::OkStatus();
  }
  out_.resize(before);
  return absl::InvalidArgumentError(fmt::format(
      "its headers and its key do not fit one of the broker's frames of {} bytes (frame_max)",
      frame_bytes_max_));
}

absl::Status Session::Flush(absl::Duration now) {
  while (unsent_bytes() > 0) {
    SKALD_ASSIGN_OR_RETURN(const size_t taken, socket_.Send(std::string_view(out_).substr(sent_)));
    if (taken == 0) break;
    sent_ += taken;
    last_sent_ = now;
  }
  if (sent_ == out_.size() || sent_ >= kSentBytesMax) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  return absl::OkStatus();
}

absl::Status Session::Receive(absl::Duration now, std::vector<SessionEvent>& events) {
  SKALD_ASSIGN_OR_RETURN(const std::string_view bytes,
                         socket_.Receive(buffer_.data(), buffer_.size()));
  if (bytes.empty()) return absl::OkStatus();
  last_received_ = now;
  return reader_.Feed(bytes, [&](const amqp_frame_t& frame) { return Take(frame, events); });
}

absl::Status Session::Tick(absl::Duration now, absl::Duration& next) {
  if (!ready()) {
    if (now >= deadline_) {
      return absl::UnavailableError(fmt::format("{}: the broker did not answer within {}", doing(),
                                                absl::FormatDuration(options_.connect_timeout)));
    }
    next = std::min(next, deadline_);
  }
  if (heartbeat_ == absl::ZeroDuration()) return absl::OkStatus();
  if (now >= last_received_ + 2 * heartbeat_) {
    return absl::UnavailableError(
        fmt::format("the broker was silent for {}", absl::FormatDuration(2 * heartbeat_)));
  }
  // Not behind bytes that are stuck: it would say nothing then, and there would be ever more.
  if (now >= last_sent_ + heartbeat_ / 2 && unsent_bytes() == 0) {
    writer_.Heartbeat();
    last_sent_ = now;
  }
  next = std::min(next, last_received_ + 2 * heartbeat_);
  if (unsent_bytes() == 0) next = std::min(next, last_sent_ + heartbeat_ / 2);
  return absl::OkStatus();
}

absl::Status Session::Take(const amqp_frame_t& frame, std::vector<SessionEvent>& events) {
  switch (frame.frame_type) {
    case AMQP_FRAME_HEARTBEAT:
      return absl::OkStatus();
    case AMQP_FRAME_METHOD:
      if (returning_) return Unexpected(frame);
      return TakeMethod(frame, events);
    case AMQP_FRAME_HEADER:
    case AMQP_FRAME_BODY:
      return returning_ ? TakeReturned(frame, events) : Unexpected(frame);
    default:
      return Unexpected(frame);
  }
}

absl::Status Session::TakeMethod(const amqp_frame_t& frame, std::vector<SessionEvent>& events) {
  const amqp_method_t& method = frame.payload.method;
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) return TakeConnectionClose(method);
  if (phase_ < Phase::kChannel) return TakeSetup(frame, events);
  switch (method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
      events.push_back({.kind = Kind::kBlocked,
                        .text = Printable(FromAmqp(As<amqp_connection_blocked_t>(method).reason))});
      return absl::OkStatus();
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      events.push_back({.kind = Kind::kUnblocked});
      return absl::OkStatus();
    case AMQP_CHANNEL_CLOSE_METHOD:
      return TakeChannelClose(method, events);
    default:
      break;
  }
  if (!ready()) return TakeSetup(frame, events);
  if (method.id == AMQP_BASIC_RETURN_METHOD) {
    const auto& said = As<amqp_basic_return_t>(method);
    returning_ = true;
    returned_header_ = false;
    returned_ = {.kind = Kind::kReturned,
                 .code = said.reply_code,
                 .text = Printable(FromAmqp(said.reply_text))};
    return absl::OkStatus();
  }
  return TakeConfirm(method, events) ? absl::OkStatus() : Unexpected(frame);
}

bool Session::TakeConfirm(const amqp_method_t& method, std::vector<SessionEvent>& events) {
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    const auto& said = As<amqp_basic_ack_t>(method);
    events.push_back({.kind = Kind::kConfirmed,
                      .tag = said.delivery_tag,
                      .multiple = said.multiple != 0,
                      .taken = true});
    return true;
  }
  if (method.id == AMQP_BASIC_NACK_METHOD) {
    const auto& said = As<amqp_basic_nack_t>(method);
    events.push_back(
        {.kind = Kind::kConfirmed, .tag = said.delivery_tag, .multiple = said.multiple != 0});
    return true;
  }
  return false;
}

absl::Status Session::TakeReturned(const amqp_frame_t& frame, std::vector<SessionEvent>& events) {
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    if (returned_header_ || frame.payload.properties.class_id != AMQP_BASIC_CLASS) {
      return Unexpected(frame);
    }
    returned_header_ = true;
    returned_left_ = frame.payload.properties.body_size;
    const auto& properties =
        *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) {
      returned_.id = FromAmqp(properties.message_id);
    }
  } else {
    const size_t size = frame.payload.body_fragment.len;
    if (!returned_header_ || size > returned_left_) return Unexpected(frame);
    returned_left_ -= size;
  }
  if (returned_left_ > 0) return absl::OkStatus();
  returning_ = false;
  events.push_back(std::move(returned_));
  return absl::OkStatus();
}

absl::Status Session::Unexpected(const amqp_frame_t& frame) const {
  const uint32_t method =
      frame.frame_type == AMQP_FRAME_METHOD ? frame.payload.method.id : uint32_t{0};
  return absl::InternalError(
      fmt::format("{}: the broker sent a frame that has no place here: type "
                  "{}, method {:#x}, channel {}",
                  doing(), frame.frame_type, method, frame.channel));
}

}  // namespace skald::inline v1::internal
