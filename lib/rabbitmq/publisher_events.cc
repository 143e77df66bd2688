// What the broker says, and whom it concerns.
#include <fmt/format.h>

#include <algorithm>

#include "message.h"
#include "publisher_impl.h"
#include "skald/base/status.h"

namespace skald::inline v1 {

using internal::InFlight;

void RabbitMqPublisher::Impl::Take(const Event& event, absl::Duration now) {
  switch (event.kind) {
    case Event::Kind::kReady:
      ++counted_.connections;
      was_ready_ = true;
      if (!blocked_) SetHealth(absl::OkStatus());
      return;
    case Event::Kind::kConfirmed:
      return Confirmed(event, now);
    case Event::Kind::kReturned:
      return in_flight_.Returned(event.id, event.code, event.text);
    case Event::Kind::kChannelClosed:
      return ChannelClosed(event);
    case Event::Kind::kBlocked:
      return SetBlocked(&event.text, now);
    case Event::Kind::kUnblocked:
      return SetBlocked(nullptr, now);
  }
}

void RabbitMqPublisher::Impl::Confirmed(const Event& event, absl::Duration now) {
  attempts_ = 0;
  last_progress_ = now;
  std::vector<InFlight::Settled> all;
  // A number that was never given is of no message here, and so harmless.
  in_flight_.Confirm(event.tag, event.multiple, event.taken, all);
  if (in_flight_.empty()) alone_ = false;
  for (InFlight::Settled& settled : all) {
    const OutgoingMessage& message = settled.entrusted.message;
    confirmed_bytes_most_ = std::max(confirmed_bytes_most_, message.message.body.size());
    if (!suspects_.empty()) suspects_.erase(internal::MessageId(message));
    const absl::Status status = StatusOf(settled);
    Answer(std::move(settled.entrusted), status);
  }
}

absl::Status RabbitMqPublisher::Impl::StatusOf(const InFlight::Settled& settled) {
  if (settled.returned_code != 0) {
    ++counted_.returned;
    const absl::Duration age = options_.clock->Wall() - settled.entrusted.message.added;
    const std::string why = fmt::format("the broker has no queue for it: {} {}",
                                        settled.returned_code, settled.returned_text);
    if (age < options_.unroutable_patience) return absl::UnavailableError(why);
    return absl::NotFoundError(
        fmt::format("{}, {} after it was added; bind a queue, then send it again", why,
                    absl::FormatDuration(absl::Trunc(age, absl::Seconds(1)))));
  }
  if (settled.taken) {
    ++counted_.confirmed;
    return absl::OkStatus();
  }
  ++counted_.nacked;
  return absl::UnavailableError("the broker refused it for now (basic.nack): a queue may be full");
}

void RabbitMqPublisher::Impl::ChannelClosed(const Event& event) {
  const bool for_a_message = event.code == AMQP_CONTENT_TOO_LARGE ||
                             event.code == AMQP_ACCESS_REFUSED ||
                             event.code == AMQP_PRECONDITION_FAILED;
  const bool only_one = in_flight_.size() == 1;
  std::vector<Entrusted> all = in_flight_.Clear();
  alone_ = false;
  const std::string said = fmt::format("the broker said {} {}", event.code, event.text);
  if (for_a_message && only_one && all.size() == 1) {
    if (event.code == AMQP_ACCESS_REFUSED) {
      // It may be granted, and is sent alone until then.
      suspects_.insert(internal::MessageId(all.front().message));
      return Answer(std::move(all.front()), absl::PermissionDeniedError(said));
    }
    ++counted_.refused;
    suspects_.erase(internal::MessageId(all.front().message));
    return Answer(std::move(all.front()), absl::InvalidArgumentError(said));
  }
  if (for_a_message) Suspect(all);
  const absl::Status lost = absl::UnavailableError(
      fmt::format("it may have been published: the channel was closed, {}", said));
  for (Entrusted& entrusted : all) {
    ++counted_.lost;
    Answer(std::move(entrusted), lost);
  }
}

// The broker minds one of `all`, mostly for its size: not those that are no larger than what it
// has taken, unless there are no others.
void RabbitMqPublisher::Impl::Suspect(const std::vector<Entrusted>& all) {
  // Some may have been parked or sent by others since, and would stay here.
  if (suspects_.size() > options_.in_flight_max) suspects_.clear();
  const size_t before = suspects_.size();
  for (const Entrusted& entrusted : all) {
    if (entrusted.message.message.body.size() <= confirmed_bytes_most_) continue;
    suspects_.insert(internal::MessageId(entrusted.message));
  }
  if (suspects_.size() > before) return;
  for (const Entrusted& entrusted : all) {
    suspects_.insert(internal::MessageId(entrusted.message));
  }
}

// `reason`: null when the broker goes on.
void RabbitMqPublisher::Impl::SetBlocked(const std::string* reason, absl::Duration now) {
  blocked_ = reason != nullptr;
  if (!blocked_) {
    last_progress_ = now;
    in_flight_.SetDeadlines(now + options_.confirm_timeout);
    return SetHealth(absl::OkStatus());
  }
  const absl::Status blocked =
      absl::ResourceExhaustedError(fmt::format("the broker takes no messages now: {}", *reason));
  SetHealth(blocked);
  for (Entrusted& entrusted : waiting_) Answer(std::move(entrusted), blocked);
  waiting_.clear();
}

}  // namespace skald::inline v1
