// A broker that does what no real one does on demand: speaks just enough AMQP to log in and to open
// a channel, then does with each message what its script says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "wire.h"

namespace skald_test {

class FakeBroker {
 public:
  // One connection, while it lasts. What is said leaves when the script returns.
  class Line {
   public:
    void Ack(uint64_t tag, bool multiple = false);
    void Nack(uint64_t tag, bool multiple = false);
    void Return(std::string_view message_id, uint16_t code, std::string_view text);
    void CloseChannel(uint16_t code, std::string_view text);
    void CloseConnection(uint16_t code, std::string_view text);
    void Raw(std::string_view bytes) { out_ += bytes; }
    // Cuts the line, behind what was said.
    void HangUp() { hung_up_ = true; }

   private:
    friend class FakeBroker;
    std::string out_;
    skald::internal::FrameWriter writer_{&out_};
    bool hung_up_ = false;
    uint64_t tag_ = 0;  // the last message's
  };

  // `arrived` gets each message's number on its channel. All functions run on the broker's thread.
  struct Script {
    std::function<void(Line&)> connected = nullptr;  // the other side has said hello
    std::function<void(Line&, uint64_t)> arrived = nullptr;
    bool answers_hello = true;
  };

  explicit FakeBroker(Script script);
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  int messages() const { return messages_; }

 private:
  void Run();
  void Serve(int fd);
  void Hear(Line& line, const amqp_frame_t& frame);
  bool Wait(int fd) const;

  const Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::atomic<int> messages_ = 0;
  std::thread thread_;
};

}  // namespace skald_test
