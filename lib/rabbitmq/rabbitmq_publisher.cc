#include "skald/rabbitmq/rabbitmq_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "message.h"
#include "publisher_impl.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr size_t kQueuesMax = 1000;
constexpr size_t kTopicsMax = 1000;
constexpr size_t kInFlightMost = 65'535;
constexpr absl::Duration kHeartbeatMax = absl::Hours(1);

absl::Status Refuse(std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("opening a RabbitMQ publisher: {}", why));
}

absl::Status CheckNames(const RabbitMqOptions& options) {
  const std::string_view names[] = {options.host,         options.user,     options.password,
                                    options.vhost,        options.exchange, options.connection_name,
                                    options.exchange_type};
  if (!std::all_of(std::begin(names), std::end(names), internal::IsShortString)) {
    return Refuse(
        "host, user, password, vhost, exchange and connection_name have at most 255 "
        "bytes and no control characters");
  }
  if (options.host.empty() || options.port == 0) return Refuse("it wants a host and a port");
  if (options.exchange.empty() && !options.exchange_type.empty()) {
    return Refuse("the default exchange cannot be declared: name one, or leave exchange_type out");
  }
  return absl::OkStatus();
}

absl::Status CheckQueues(const RabbitMqOptions& options) {
  size_t topics = 0;
  for (const RabbitMqQueue& queue : options.queues) {
    topics += queue.topics.size();
    if (queue.name.empty() || !internal::IsShortString(queue.name) ||
        !std::all_of(queue.topics.begin(), queue.topics.end(), internal::IsShortString)) {
      return Refuse(
          "a queue has a name, and it and its topics have at most 255 bytes and no "
          "control characters");
    }
    if (options.exchange.empty() && !queue.topics.empty()) {
      return Refuse(
          "every queue is bound to the default exchange by its name, and cannot be "
          "otherwise: leave its topics out, or name an exchange");
    }
  }
  if (options.queues.size() <= kQueuesMax && topics <= kTopicsMax) return absl::OkStatus();
  return Refuse(fmt::format("at most {} queues and {} topics", kQueuesMax, kTopicsMax));
}

absl::Status CheckNumbers(const RabbitMqOptions& options) {
  const absl::Duration zero = absl::ZeroDuration();
  if (options.heartbeat < absl::Seconds(1) || options.heartbeat > kHeartbeatMax ||
      options.heartbeat % absl::Seconds(1) != zero) {
    return Refuse("heartbeat is whole seconds, from one to an hour");
  }
  if (options.connect_timeout <= zero || options.confirm_timeout <= zero ||
      options.reconnect_delay_min <= zero ||
      options.reconnect_delay_max < options.reconnect_delay_min ||
      options.unroutable_patience < zero) {
    return Refuse(
        "connect_timeout, confirm_timeout and reconnect_delay_min must be positive, "
        "reconnect_delay_max at least reconnect_delay_min, and unroutable_patience not "
        "negative");
  }
  if (options.in_flight_max == 0 || options.in_flight_max > kInFlightMost ||
      options.message_bytes_max == 0) {
    return Refuse("in_flight_max is 1 to 65,535, and message_bytes_max positive");
  }
  return absl::OkStatus();
}

}  // namespace

RabbitMqPublisher::RabbitMqPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RabbitMqPublisher::~RabbitMqPublisher() = default;

absl::StatusOr<std::unique_ptr<RabbitMqPublisher>> RabbitMqPublisher::Open(
    RabbitMqOptions options) {
  SKALD_RETURN_IF_ERROR(CheckNames(options));
  SKALD_RETURN_IF_ERROR(CheckQueues(options));
  SKALD_RETURN_IF_ERROR(CheckNumbers(options));
  SKALD_ASSIGN_OR_RETURN(internal::Waker waker, internal::Waker::Make());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(waker));
  return std::unique_ptr<RabbitMqPublisher>(new RabbitMqPublisher(std::move(impl)));
}

void RabbitMqPublisher::Publish(const OutgoingMessage& message, Done done) {
  impl_->Publish(message, std::move(done));
}
absl::Status RabbitMqPublisher::health() const {
  return impl_->health();
}
RabbitMqPublisher::Stats RabbitMqPublisher::stats() const {
  return impl_->stats();
}

}  // namespace skald::inline v1
