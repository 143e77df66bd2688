#include "message.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "wire.h"

namespace skald::inline v1 {
namespace internal {
namespace {

constexpr size_t kShortStringMax = 255;
constexpr size_t kHeaderNameMax = 128;  // AMQP 0-9-1, 4.2.5.5
// Of names, values and the key together: they travel in one frame.
constexpr size_t kHeaderBytesMax = size_t{32} << 10;
constexpr std::string_view kReserved = "skald-";

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; });
}

absl::Status CheckHeaders(const Message& message) {
  size_t bytes = message.key.size();
  for (const auto& [name, value] : message.headers) {
    bytes += name.size() + value.size();
    if (name.empty() || name.size() > kHeaderNameMax || HasControl(name)) {
      return absl::InvalidArgumentError(
          fmt::format("the header '{}': a name has 1 to {} bytes and no control characters",
                      Printable(name), kHeaderNameMax));
    }
    if (name.starts_with(kReserved)) {
      return absl::InvalidArgumentError(
          fmt::format("the header '{}': names that begin with '{}' are taken", name, kReserved));
    }
    if (HasControl(value)) {
      return absl::InvalidArgumentError(
          fmt::format("the header '{}': its value has control characters", name));
    }
  }
  if (bytes <= kHeaderBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "its key and headers have {} bytes, at most {} can be sent", bytes, kHeaderBytesMax));
}

amqp_table_entry_t Header(std::string_view name, std::string_view value) {
  amqp_table_entry_t entry{};
  entry.key = ToAmqp(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = ToAmqp(value);
  return entry;
}

}  // namespace

bool IsShortString(std::string_view text) {
  return text.size() <= kShortStringMax && !HasControl(text);
}

std::string MessageId(const OutgoingMessage& message) {
  return fmt::format("{}/{}", message.outbox, message.id);
}

absl::Status CheckMessage(const RabbitMqOptions& options, const OutgoingMessage& message) {
  if (!IsShortString(message.message.topic)) {
    return absl::InvalidArgumentError(
        fmt::format("the topic '{}': a routing key has at most {} bytes and no control characters",
                    Printable(message.message.topic), kShortStringMax));
  }
  const size_t bytes = message.message.body.size();
  if (bytes > options.message_bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("it has {} bytes, the bound is {} "
                    "(message_bytes_max)",
                    bytes, options.message_bytes_max));
  }
  return CheckHeaders(message.message);
}

MessageProperties::MessageProperties(const OutgoingMessage& message) : id_(MessageId(message)) {
  headers_.reserve(message.message.headers.size() + 1);
  headers_.push_back(Header(kRabbitMqKeyHeader, message.message.key));
  for (const auto& [name, value] : message.message.headers) headers_.push_back(Header(name, value));
  properties_._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                       AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG;
  properties_.headers = {static_cast<int>(headers_.size()), headers_.data()};
  properties_.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties_.message_id = ToAmqp(id_);
  properties_.timestamp =
      static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixSeconds(message.added)));
}

}  // namespace internal

absl::StatusOr<RabbitMqMessageId> ParseRabbitMqMessageId(std::string_view text) {
  const size_t slash = text.rfind('/');
  RabbitMqMessageId parsed;
  bool sane = slash != std::string_view::npos && slash > 0 && slash + 1 < text.size();
  if (sane) {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + slash + 1, end, parsed.id);
    sane = read.ec == std::errc() && read.ptr == end;
  }
  if (!sane) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not the id of a message of an outbox", internal::Printable(text)));
  }
  parsed.outbox = text.substr(0, slash);
  return parsed;
}

}  // namespace skald::inline v1
