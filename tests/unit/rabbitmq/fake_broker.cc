#include "fake_broker.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace skald_test {

using skald::internal::FrameReader;
using skald::internal::ToAmqp;

void FakeBroker::Line::Ack(uint64_t tag, bool multiple) {
  amqp_basic_ack_t method{.delivery_tag = tag, .multiple = multiple};
  writer_.Method(1, AMQP_BASIC_ACK_METHOD, &method);
}

void FakeBroker::Line::Nack(uint64_t tag, bool multiple) {
  amqp_basic_nack_t method{.delivery_tag = tag, .multiple = multiple, .requeue = 0};
  writer_.Method(1, AMQP_BASIC_NACK_METHOD, &method);
}

void FakeBroker::Line::Return(std::string_view message_id, uint16_t code, std::string_view text) {
  amqp_basic_return_t method{.reply_code = code,
                             .reply_text = ToAmqp(text),
                             .exchange = ToAmqp(""),
                             .routing_key = ToAmqp("t")};
  writer_.Method(1, AMQP_BASIC_RETURN_METHOD, &method);
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.message_id = ToAmqp(message_id);
  writer_.Content(1, properties, "the body", 4096);
}

void FakeBroker::Line::CloseChannel(uint16_t code, std::string_view text) {
  amqp_channel_close_t method{.reply_code = code, .reply_text = ToAmqp(text)};
  writer_.Method(1, AMQP_CHANNEL_CLOSE_METHOD, &method);
}

void FakeBroker::Line::CloseConnection(uint16_t code, std::string_view text) {
  amqp_connection_close_t method{.reply_code = code, .reply_text = ToAmqp(text)};
  writer_.Method(0, AMQP_CONNECTION_CLOSE_METHOD, &method);
}

FakeBroker::FakeBroker(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("a fake broker cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

FakeBroker::~FakeBroker() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

bool FakeBroker::Wait(int fd) const {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 10) > 0;
}

void FakeBroker::Run() {
  while (!stopping_) {
    if (!Wait(listener_)) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    Serve(fd);
    ::close(fd);
  }
}

void FakeBroker::Serve(int fd) {
  Line line;
  FrameReader reader;
  size_t hello = 8;  // bytes
  char buffer[16384];
  while (!stopping_ && !line.hung_up_) {
    if (!Wait(fd)) continue;
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got <= 0) return;
    std::string_view bytes(buffer, static_cast<size_t>(got));
    if (hello > 0) {
      const size_t part = std::min(hello, bytes.size());
      bytes.remove_prefix(part);
      hello -= part;
      if (hello > 0) continue;
      amqp_connection_start_t start{.version_major = 0,
                                    .version_minor = 9,
                                    .server_properties = amqp_empty_table,
                                    .mechanisms = ToAmqp("PLAIN"),
                                    .locales = ToAmqp("en_US")};
      if (script_.answers_hello) line.writer_.Method(0, AMQP_CONNECTION_START_METHOD, &start);
      if (script_.connected) script_.connected(line);
    }
    const absl::Status heard = reader.Feed(bytes, [&](const amqp_frame_t& frame) {
      Hear(line, frame);
      return line.hung_up_ ? absl::CancelledError() : absl::OkStatus();
    });
    for (size_t sent = 0; sent < line.out_.size();) {
      const ssize_t n = ::send(fd, line.out_.data() + sent, line.out_.size() - sent, MSG_NOSIGNAL);
      if (n < 0) return;
      sent += static_cast<size_t>(n);
    }
    line.out_.clear();
    if (!heard.ok()) return;
  }
}

void FakeBroker::Hear(Line& line, const amqp_frame_t& frame) {
  const auto say = [&](amqp_channel_t channel, amqp_method_number_t id) {
    uint64_t nothing[8] = {};
    line.writer_.Method(channel, id, &nothing);
  };
  if (frame.frame_type == AMQP_FRAME_HEADER) {  // the scripts' messages have no body
    ++messages_;
    if (script_.arrived) script_.arrived(line, ++line.tag_);
    return;
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) return;
  amqp_connection_tune_t tune{.channel_max = 10, .frame_max = 4096, .heartbeat = 60};
  switch (frame.payload.method.id) {
    case AMQP_CONNECTION_START_OK_METHOD:
      return line.writer_.Method(0, AMQP_CONNECTION_TUNE_METHOD, &tune);
    case AMQP_CONNECTION_OPEN_METHOD:
      return say(0, AMQP_CONNECTION_OPEN_OK_METHOD);
    case AMQP_CHANNEL_OPEN_METHOD:
      line.tag_ = 0;
      return say(1, AMQP_CHANNEL_OPEN_OK_METHOD);
    case AMQP_CONFIRM_SELECT_METHOD:
      return say(1, AMQP_CONFIRM_SELECT_OK_METHOD);
    default:
      return;
  }
}

}  // namespace skald_test
