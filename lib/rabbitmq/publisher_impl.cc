#include "publisher_impl.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "message.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

// Encoded and not taken by the socket; what is behind it waits where it is not copied.
constexpr size_t kUnsentBytesMax = size_t{256} << 10;

}  // namespace

using internal::InFlight;
using internal::Session;

RabbitMqPublisher::Impl::Impl(RabbitMqOptions options, internal::Waker waker)
    : options_(std::move(options)),
      waker_(std::move(waker)),
      health_(absl::UnavailableError("not connected yet")) {
  thread_ = std::thread([this] { Loop(); });
}

RabbitMqPublisher::Impl::~Impl() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  waker_.Wake();
  thread_.join();
}

void RabbitMqPublisher::Impl::Publish(const OutgoingMessage& message, Done done) {
  absl::Status admitted = internal::CheckMessage(options_, message);
  if (admitted.ok()) admitted = Admit(message, done);
  if (!admitted.ok()) std::move(done)(Annotated(message, admitted));
}

// Takes `done` when it is OK.
absl::Status RabbitMqPublisher::Impl::Admit(const OutgoingMessage& message, Done& done) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return absl::UnavailableError("the publisher is going away");
    if (absl::IsResourceExhausted(health_)) return health_;  // the broker blocks
    if (unanswered_ >= options_.in_flight_max) {
      return absl::ResourceExhaustedError(fmt::format(
          "{} messages wait for the broker already (in_flight_max)", options_.in_flight_max));
    }
    ++unanswered_;
    incoming_.push_back({message, std::move(done), Now() + options_.confirm_timeout});
    wake = std::exchange(asleep_, false);
  }
  if (wake) waker_.Wake();
  return absl::OkStatus();
}

absl::Status RabbitMqPublisher::Impl::health() const {
  const MutexLock lock(mutex_);
  return health_;
}

RabbitMqPublisher::Stats RabbitMqPublisher::Impl::stats() const {
  const MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.in_flight = unanswered_;
  return stats;
}

absl::Status RabbitMqPublisher::Impl::Annotated(const OutgoingMessage& message,
                                                const absl::Status& status) const {
  return Annotate(status, fmt::format("publishing message '{}' to exchange '{}', topic '{}'",
                                      internal::MessageId(message), options_.exchange,
                                      internal::Printable(message.message.topic)));
}

void RabbitMqPublisher::Impl::Loop() {
  while (TakeIn()) {
    const absl::Duration now = Now();
    Connect(now);
    Keep(now);
    Send(now);
    Tell();
    Wait();
  }
  End();
}

// What was handed in since. RETURNS: whether to go on.
bool RabbitMqPublisher::Impl::TakeIn() {
  std::vector<Entrusted> taken;
  {
    const MutexLock lock(mutex_);
    asleep_ = false;
    if (stopping_) return false;
    taken.swap(incoming_);
  }
  for (Entrusted& entrusted : taken) waiting_.push_back(std::move(entrusted));
  return true;
}

absl::Duration RabbitMqPublisher::Impl::Pause() {
  const double doublings = std::min(attempts_++, 40U);
  const absl::Duration most =
      std::min(options_.reconnect_delay_max, options_.reconnect_delay_min * std::exp2(doublings));
  return most * options_.random->UnitInterval();
}

void RabbitMqPublisher::Impl::Connect(absl::Duration now) {
  if (session_ || now < next_try_) return;
  if (address_ == addresses_.size()) {
    absl::StatusOr<std::vector<internal::Address>> found =
        internal::Resolve(options_.host, options_.port);
    if (!found.ok()) return Drop(found.status(), now);
    addresses_ = *std::move(found);
    address_ = 0;
  }
  absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Connect(options_, addresses_[address_++], now);
  if (!session.ok()) return Drop(session.status(), now);
  session_ = *std::move(session);
}

// The connection is lost, or was never there.
void RabbitMqPublisher::Impl::Drop(const absl::Status& why, absl::Duration now) {
  session_.reset();
  if (std::exchange(was_ready_, false) || address_ >= addresses_.size()) {
    addresses_.clear();
    address_ = 0;
    next_try_ = now + Pause();
  }
  blocked_ = false;
  alone_ = false;
  confirmed_bytes_most_ = 0;
  const absl::Status health = Annotate(
      why, fmt::format("the connection to RabbitMQ at {}:{}", options_.host, options_.port));
  SetHealth(health);
  const absl::Status lost = absl::UnavailableError(
      ToAbsl(fmt::format("it may have been published: {}", ToStd(health.message()))));
  for (Entrusted& entrusted : in_flight_.Clear()) {
    ++counted_.lost;
    Answer(std::move(entrusted), lost);
  }
  if (!absl::IsPermissionDenied(why)) return;
  // A person has to do something, and learns of it sooner.
  for (Entrusted& entrusted : waiting_) Answer(std::move(entrusted), health);
  waiting_.clear();
}

void RabbitMqPublisher::Impl::Keep(absl::Duration now) {
  Expire(now);
  next_tick_ = absl::InfiniteDuration();
  if (!session_) return;
  if (const absl::Status alive = session_->Tick(now, next_tick_); !alive.ok()) {
    return Drop(alive, now);
  }
  if (in_flight_.empty() || blocked_) return;
  const absl::Duration patience = last_progress_ + options_.confirm_timeout;
  next_tick_ = std::min(next_tick_, patience);
  if (now < patience) return;
  Drop(absl::UnavailableError(fmt::format("the broker has confirmed nothing for {}",
                                          absl::FormatDuration(options_.confirm_timeout))),
       now);
}

void RabbitMqPublisher::Impl::Expire(absl::Duration now) {
  const std::string late = absl::FormatDuration(options_.confirm_timeout);
  if (!waiting_.empty() && waiting_.front().deadline <= now) {
    absl::Status why = health();
    if (why.ok()) why = absl::UnavailableError("the broker takes messages too slowly");
    why = Annotate(why, fmt::format("not sent within {}", late));
    for (; !waiting_.empty() && waiting_.front().deadline <= now; waiting_.pop_front()) {
      ++counted_.timed_out;
      Answer(std::move(waiting_.front()), why);
    }
  }
  if (blocked_ || in_flight_.deadline() > now) return;
  std::vector<Entrusted> expired;
  in_flight_.Expire(now, expired);
  for (Entrusted& entrusted : expired) {
    ++counted_.timed_out;
    Answer(std::move(entrusted), absl::UnavailableError(fmt::format(
                                     "the broker did not confirm it within {}; it may have been "
                                     "published",
                                     late)));
  }
}

void RabbitMqPublisher::Impl::Send(absl::Duration now) {
  while (session_) {
    if (session_->ready() && !blocked_) SendWaiting(now);
    const bool more = session_->unsent_bytes() >= kUnsentBytesMax;
    if (absl::Status flushed = session_->Flush(now); !flushed.ok()) {
      // What the broker said last tells more than that it is gone.
      if (session_->ready()) Receive(now);
      if (session_) Drop(flushed, now);
      return;
    }
    if (!more || session_->unsent_bytes() > 0) return;
  }
}

void RabbitMqPublisher::Impl::SendWaiting(absl::Duration now) {
  while (!waiting_.empty() && session_->unsent_bytes() < kUnsentBytesMax && !alone_ &&
         in_flight_.size() < 2 * options_.in_flight_max) {
    Entrusted& next = waiting_.front();
    const bool suspect =
        !suspects_.empty() && suspects_.contains(internal::MessageId(next.message));
    if (suspect && !in_flight_.empty()) return;
    const absl::Status sent = session_->Publish(next.message);
    if (!sent.ok()) {
      Answer(std::move(next), sent);
    } else {
      if (in_flight_.empty()) last_progress_ = now;
      in_flight_.Add(std::move(next));
      alone_ = suspect;
    }
    waiting_.pop_front();
  }
}

void RabbitMqPublisher::Impl::Wait() {
  absl::Duration next = session_ ? next_tick_ : next_try_;
  if (!waiting_.empty()) next = std::min(next, waiting_.front().deadline);
  if (!blocked_) next = std::min(next, in_flight_.deadline());
  {
    const MutexLock lock(mutex_);
    if (!incoming_.empty() || stopping_) next = -absl::InfiniteDuration();
    asleep_ = true;
  }
  const bool write = session_ && session_->unsent_bytes() > 0;
  const int fd = session_ ? session_->fd() : -1;
  if (waker_.Wait(fd, write, next - Now()) && session_) Receive(Now());
}

void RabbitMqPublisher::Impl::Receive(absl::Duration now) {
  events_.clear();
  const absl::Status received = session_->Receive(now, events_);
  for (const Event& event : events_) Take(event, now);
  if (!received.ok()) Drop(received, now);
}

void RabbitMqPublisher::Impl::SetHealth(absl::Status health) {
  const MutexLock lock(mutex_);
  health_ = std::move(health);
}

void RabbitMqPublisher::Impl::Answer(Entrusted entrusted, const absl::Status& status) {
  answers_.emplace_back(std::move(entrusted.done),
                        status.ok() ? status : Annotated(entrusted.message, status));
}

// Calls the callbacks, of which each may free its message and hand in another.
void RabbitMqPublisher::Impl::Tell() {
  {
    const MutexLock lock(mutex_);
    unanswered_ -= answers_.size();
    stats_ = counted_;
  }
  for (auto& [done, status] : answers_) std::move(done)(status);
  answers_.clear();
}

void RabbitMqPublisher::Impl::End() {
  const absl::Status sent = absl::UnavailableError(
      "the publisher is going away before the broker has confirmed it; it may have been published");
  const absl::Status unsent =
      absl::UnavailableError("the publisher is going away; it was not sent");
  if (session_) session_->Close();
  session_.reset();
  for (Entrusted& entrusted : in_flight_.Clear()) Answer(std::move(entrusted), sent);
  for (Entrusted& entrusted : waiting_) Answer(std::move(entrusted), unsent);
  std::vector<Entrusted> incoming;
  {
    const MutexLock lock(mutex_);
    incoming.swap(incoming_);
  }
  for (Entrusted& entrusted : incoming) Answer(std::move(entrusted), unsent);
  Tell();
}

}  // namespace skald::inline v1
