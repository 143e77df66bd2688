// The thread that holds the connection, and what it shares with those who publish.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "in_flight.h"
#include "session.h"
#include "skald/base/mutex.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"
#include "socket.h"

namespace skald::inline v1 {

class RabbitMqPublisher::Impl {
 public:
  Impl(RabbitMqOptions options, internal::Waker waker);
  ~Impl();

  void Publish(const OutgoingMessage& message, Done done) SKALD_EXCLUDES(mutex_);
  absl::Status health() const SKALD_EXCLUDES(mutex_);
  Stats stats() const SKALD_EXCLUDES(mutex_);

 private:
  using Entrusted = internal::Entrusted;
  using Event = internal::SessionEvent;

  absl::Status Admit(const OutgoingMessage& message, Done& done) SKALD_EXCLUDES(mutex_);

  // What follows is the thread's.
  void Loop() SKALD_EXCLUDES(mutex_);
  bool TakeIn() SKALD_EXCLUDES(mutex_);
  void Connect(absl::Duration now);
  void Drop(const absl::Status& why, absl::Duration now);
  void Keep(absl::Duration now);  // time-outs
  void Expire(absl::Duration now);
  void Send(absl::Duration now);
  void SendWaiting(absl::Duration now);
  void Wait() SKALD_EXCLUDES(mutex_);
  void Receive(absl::Duration now);
  void Take(const Event& event, absl::Duration now);
  void Confirmed(const Event& event, absl::Duration now);
  void ChannelClosed(const Event& event);
  void SetBlocked(const std::string* reason, absl::Duration now);
  absl::Status StatusOf(const internal::InFlight::Settled& settled);
  void Answer(Entrusted entrusted, const absl::Status& status);
  void Suspect(const std::vector<Entrusted>& all);
  void SetHealth(absl::Status health) SKALD_EXCLUDES(mutex_);
  void Tell() SKALD_EXCLUDES(mutex_);
  void End() SKALD_EXCLUDES(mutex_);
  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Duration Pause();
  absl::Status Annotated(const OutgoingMessage& message, const absl::Status& status) const;

  const RabbitMqOptions options_;
  const internal::Waker waker_;

  std::unique_ptr<internal::Session> session_;
  std::vector<internal::Address> addresses_;
  size_t address_ = 0;  // the next to try
  bool was_ready_ = false;
  uint32_t attempts_ = 0;  // since the broker last confirmed anything
  absl::Duration next_try_ = -absl::InfiniteDuration();
  absl::Duration next_tick_;
  bool blocked_ = false;
  std::deque<Entrusted> waiting_;  // not sent
  internal::InFlight in_flight_;
  absl::Duration last_progress_;
  std::vector<std::pair<Done, absl::Status>> answers_;
  std::vector<Event> events_;
  Stats counted_;
  // When the broker closes a channel for a message, it does not say for which. Those that it may
  // have been are sent alone from then on, until one is found out.
  absl::flat_hash_set<std::string> suspects_;
  bool alone_ = false;
  size_t confirmed_bytes_most_ = 0;  // bodies of this size are not too large for it

  mutable Mutex mutex_;
  std::vector<Entrusted> incoming_ SKALD_GUARDED_BY(mutex_);
  size_t unanswered_ SKALD_GUARDED_BY(mutex_) = 0;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  bool asleep_ SKALD_GUARDED_BY(mutex_) = false;
  absl::Status health_ SKALD_GUARDED_BY(mutex_);
  Stats stats_ SKALD_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace skald::inline v1
