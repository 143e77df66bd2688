// How a session comes to be ready, and how it ends.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "session.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/version.h"

namespace skald::inline v1::internal {
namespace {

constexpr amqp_channel_t kChannel = 1;

template <typename Method>
const Method& As(const amqp_method_t& method) {
  return *static_cast<const Method*>(method.decoded);
}

amqp_table_entry_t Entry(std::string_view name, std::string_view text) {
  amqp_table_entry_t entry{};
  entry.key = ToAmqp(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = ToAmqp(text);
  return entry;
}

amqp_table_entry_t Can(std::string_view name) {
  amqp_table_entry_t entry{};
  entry.key = ToAmqp(name);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

// What the broker closed something for. What a person has to grant is PermissionDenied.
absl::Status FromReply(uint16_t code, amqp_bytes_t text, std::string_view doing) {
  const std::string message =
      fmt::format("{}: the broker said {} {}", doing, code, Printable(FromAmqp(text)));
  const bool denied = code == AMQP_ACCESS_REFUSED || code == AMQP_NOT_ALLOWED;
  return denied ? absl::PermissionDeniedError(message) : absl::UnavailableError(message);
}

}  // namespace

absl::Status Session::TakeSetup(const amqp_frame_t& frame, std::vector<SessionEvent>& events) {
  const amqp_method_t& method = frame.payload.method;
  if (phase_ == Phase::kStart && method.id == AMQP_CONNECTION_START_METHOD) return Start(method);
  if (phase_ == Phase::kTune && method.id == AMQP_CONNECTION_TUNE_METHOD) return Tune(method);
  if (phase_ == Phase::kOpen && method.id == AMQP_CONNECTION_OPEN_OK_METHOD) {
    PrepareChannel();
    return absl::OkStatus();
  }
  if (phase_ != Phase::kChannel || method.id != channel_[step_].second) return Unexpected(frame);
  ++step_;
  NextOfChannel();
  if (ready()) events.push_back({.kind = SessionEvent::Kind::kReady});
  return absl::OkStatus();
}

absl::Status Session::Start(const amqp_method_t& method) {
  const std::string_view mechanisms = FromAmqp(As<amqp_connection_start_t>(method).mechanisms);
  if (mechanisms.find("PLAIN") == std::string_view::npos) {
    return absl::UnavailableError("logging in: the broker does not take a user and a password");
  }
  std::array<amqp_table_entry_t, 4> can = {Can("publisher_confirms"), Can("basic.nack"),
                                           Can("connection.blocked"),
                                           Can("authentication_failure_close")};
  amqp_table_entry_t capabilities{};
  capabilities.key = ToAmqp("capabilities");
  capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
  capabilities.value.value.table = {static_cast<int>(can.size()), can.data()};
  std::array<amqp_table_entry_t, 3> client = {
      Entry("product", "skald"), Entry("connection_name", options_.connection_name), capabilities};
  const std::string login = fmt::format("{0}{1}{0}{2}", '\0', options_.user, options_.password);
  amqp_connection_start_ok_t answer{};
  answer.client_properties = {static_cast<int>(client.size()), client.data()};
  answer.mechanism = ToAmqp("PLAIN");
  answer.response = ToAmqp(login);
  answer.locale = ToAmqp("en_US");
  writer_.Method(0, AMQP_CONNECTION_START_OK_METHOD, &answer);
  phase_ = Phase::kTune;
  return absl::OkStatus();
}

absl::Status Session::Tune(const amqp_method_t& method) {
  const auto& wanted = As<amqp_connection_tune_t>(method);
  if (wanted.frame_max != 0 && wanted.frame_max < AMQP_FRAME_MIN_SIZE) {
    return absl::InternalError(
        fmt::format("logging in: the broker wants frames of {} bytes", wanted.frame_max));
  }
  if (wanted.frame_max != 0) frame_bytes_max_ = std::min(frame_bytes_max_, wanted.frame_max);
  heartbeat_ = options_.heartbeat;
  if (wanted.heartbeat != 0) heartbeat_ = std::min(heartbeat_, absl::Seconds(wanted.heartbeat));
  reader_.Tune(frame_bytes_max_);
  amqp_connection_tune_ok_t answer{};
  answer.channel_max = wanted.channel_max;
  answer.frame_max = frame_bytes_max_;
  answer.heartbeat = static_cast<uint16_t>(absl::ToInt64Seconds(heartbeat_));
  writer_.Method(0, AMQP_CONNECTION_TUNE_OK_METHOD, &answer);
  amqp_connection_open_t open{};
  open.virtual_host = ToAmqp(options_.vhost);
  writer_.Method(0, AMQP_CONNECTION_OPEN_METHOD, &open);
  phase_ = Phase::kOpen;
  return absl::OkStatus();
}

void Session::PrepareTopology() {
  std::string frame;
  FrameWriter writer(&frame);
  const auto add = [&](amqp_method_number_t id, amqp_method_number_t answer, void* method) {
    writer.Method(kChannel, id, method);
    channel_.emplace_back(std::exchange(frame, {}), answer);
  };
  amqp_channel_open_t open{};
  add(AMQP_CHANNEL_OPEN_METHOD, AMQP_CHANNEL_OPEN_OK_METHOD, &open);
  if (!options_.exchange.empty()) {
    amqp_exchange_declare_t exchange{};
    exchange.exchange = ToAmqp(options_.exchange);
    exchange.type = ToAmqp(options_.exchange_type);
    exchange.passive = options_.exchange_type.empty();
    exchange.durable = 1;
    add(AMQP_EXCHANGE_DECLARE_METHOD, AMQP_EXCHANGE_DECLARE_OK_METHOD, &exchange);
  }
  for (const RabbitMqQueue& queue : options_.queues) {
    amqp_queue_declare_t declare{};
    declare.queue = ToAmqp(queue.name);
    declare.durable = 1;
    add(AMQP_QUEUE_DECLARE_METHOD, AMQP_QUEUE_DECLARE_OK_METHOD, &declare);
    for (const std::string& topic : queue.topics) {
      amqp_queue_bind_t bind{};
      bind.queue = ToAmqp(queue.name);
      bind.exchange = ToAmqp(options_.exchange);
      bind.routing_key = ToAmqp(topic);
      add(AMQP_QUEUE_BIND_METHOD, AMQP_QUEUE_BIND_OK_METHOD, &bind);
    }
  }
  amqp_confirm_select_t confirm{};
  add(AMQP_CONFIRM_SELECT_METHOD, AMQP_CONFIRM_SELECT_OK_METHOD, &confirm);
}

void Session::PrepareChannel() {
  phase_ = Phase::kChannel;
  step_ = 0;
  NextOfChannel();
}

void Session::NextOfChannel() {
  if (step_ == channel_.size()) {
    phase_ = Phase::kReady;
  } else {
    out_ += channel_[step_].first;
  }
}

absl::Status Session::TakeChannelClose(const amqp_method_t& method,
                                       std::vector<SessionEvent>& events) {
  const auto& said = As<amqp_channel_close_t>(method);
  // What cannot be declared is no better at once: the connection goes, and a pause comes.
  if (!ready()) return FromReply(said.reply_code, said.reply_text, doing());
  events.push_back({.kind = SessionEvent::Kind::kChannelClosed,
                    .code = said.reply_code,
                    .text = Printable(FromAmqp(said.reply_text))});
  amqp_channel_close_ok_t answer{};
  writer_.Method(kChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &answer);
  deadline_ = last_received_ + options_.connect_timeout;
  PrepareChannel();
  return absl::OkStatus();
}

absl::Status Session::TakeConnectionClose(const amqp_method_t& method) {
  const auto& said = As<amqp_connection_close_t>(method);
  const absl::Status why = FromReply(said.reply_code, said.reply_text, doing());
  amqp_connection_close_ok_t answer{};
  writer_.Method(0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer);
  IgnoreError(Flush(last_received_), "the connection is closed either way");
  return why;
}

void Session::Close() {
  // Behind a message that is half sent it would not be understood.
  if (phase_ < Phase::kChannel || unsent_bytes() > 0) return;
  amqp_connection_close_t goodbye{};
  goodbye.reply_code = AMQP_REPLY_SUCCESS;
  goodbye.reply_text = ToAmqp("goodbye");
  writer_.Method(0, AMQP_CONNECTION_CLOSE_METHOD, &goodbye);
  IgnoreError(Flush(last_sent_), "a courtesy");
}

}  // namespace skald::inline v1::internal
