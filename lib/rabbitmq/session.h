// One connection to a broker and one channel on it, in confirm mode: logs in, declares, publishes,
// and says what the broker says. No thread, no clock and no wait of its own.
//
//   connect, start -> tune -> open -> (channel.open, declare …, confirm.select) -> ready
//                                      ^                                            |
//                                      +------- the broker closes the channel ------+
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/rabbitmq/rabbitmq_publisher.h"
#include "socket.h"
#include "wire.h"

namespace skald::inline v1::internal {

struct SessionEvent {
  enum class Kind : uint8_t {
    kReady,          // tags begin at 1
    kConfirmed,      // or, when not `taken`, refused for now
    kReturned,       // the message `id` has no queue; its confirmation follows
    kChannelClosed,  // everything that is not confirmed is unknown; kReady follows
    kBlocked,
    kUnblocked,
  };
  Kind kind = Kind::kReady;
  uint64_t tag = 0;
  bool multiple = false;  // all up to `tag`
  bool taken = false;
  uint16_t code = 0;
  std::string id;
  std::string text;
};

class Session {
 public:
  // `options` outlives it.
  static absl::StatusOr<std::unique_ptr<Session>> Connect(const RabbitMqOptions& options,
                                                          const Address& address,
                                                          absl::Duration now);

  int fd() const { return socket_.fd(); }
  bool ready() const { return phase_ == Phase::kReady; }
  // Bytes that the socket has not taken yet.
  size_t unsent_bytes() const { return out_.size() - sent_; }

  // Queues a message, as the next tag. REQUIRES: ready().
  // RETURNS: InvalidArgument: its headers do not fit a frame of this broker's; nothing is queued.
  absl::Status Publish(const OutgoingMessage& message);

  // Each of these RETURNS why the connection is of no use any more.
  absl::Status Flush(absl::Duration now);
  absl::Status Receive(absl::Duration now, std::vector<SessionEvent>& events);
  // Heartbeats and time-outs. `next`: when to call it again at the latest.
  absl::Status Tick(absl::Duration now, absl::Duration& next);

  // Says goodbye, if that can be said at once.
  void Close();

 private:
  enum class Phase : uint8_t { kStart, kTune, kOpen, kChannel, kReady };

  Session(const RabbitMqOptions& options, Socket socket, absl::Duration now);

  absl::Status Take(const amqp_frame_t& frame, std::vector<SessionEvent>& events);
  absl::Status TakeMethod(const amqp_frame_t& frame, std::vector<SessionEvent>& events);
  absl::Status TakeSetup(const amqp_frame_t& frame, std::vector<SessionEvent>& events);
  bool TakeConfirm(const amqp_method_t& method, std::vector<SessionEvent>& events);
  absl::Status TakeChannelClose(const amqp_method_t& method, std::vector<SessionEvent>& events);
  absl::Status TakeConnectionClose(const amqp_method_t& method);
  absl::Status TakeReturned(const amqp_frame_t& frame, std::vector<SessionEvent>& events);
  absl::Status Start(const amqp_method_t& method);
  absl::Status Tune(const amqp_method_t& method);
  void PrepareChannel();
  void PrepareTopology();
  void NextOfChannel();
  absl::Status Unexpected(const amqp_frame_t& frame) const;
  std::string_view doing() const;

  const RabbitMqOptions& options_;
  Socket socket_;
  std::string out_;
  size_t sent_ = 0;  // of out_
  FrameWriter writer_;
  FrameReader reader_;
  std::vector<char> buffer_;

  Phase phase_ = Phase::kStart;
  // What opens the channel: frames, each sent after the answer to the one before, and that answer.
  std::vector<std::pair<std::string, amqp_method_number_t>> channel_;
  size_t step_ = 0;
  uint32_t frame_bytes_max_ = kFrameBytesMax;
  absl::Duration heartbeat_;
  absl::Duration deadline_;  // until it must be ready
  absl::Duration last_sent_, last_received_;

  // A message that comes back: its return, then its header, then its body.
  bool returning_ = false;
  SessionEvent returned_;
  uint64_t returned_left_ = 0;
  bool returned_header_ = false;
};

}  // namespace skald::inline v1::internal
