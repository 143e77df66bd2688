// A TCP server on loopback that is no Redis: it says whatever a test wants.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace skald_test {

// What is said when a request has come. The requests of all connections count from 0.
struct FakeAnswer {
  std::string bytes;
  bool close = false;    // after the bytes
  bool dribble = false;  // the bytes again and again, one by one, some milliseconds apart
};

// One thread serves all connections; it ends with the object.
class FakeServer {
 public:
  using Answers = std::function<FakeAnswer(int request, const std::string& bytes)>;
  explicit FakeServer(Answers answers);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  uint16_t port() const { return port_; }
  int requests() const { return requests_; }
  int connections() const { return connections_; }
  // Says something to all, which nobody has asked; done when `unasked` has grown.
  void SayUnasked() { say_unasked_ = true; }
  int unasked() const { return unasked_; }

 private:
  struct Line {
    int fd = -1;
    std::string dribble;
    size_t dribbled = 0;
  };
  void Serve();
  void Accept();
  bool Hear(Line& line);
  void Dribble(Line& line);

  const Answers answers_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> connections_{0};
  std::atomic<bool> say_unasked_{false};
  std::atomic<int> unasked_{0};
  std::vector<Line> lines_;
  std::thread thread_;
};

// A socket that listens on a free port of loopback; accepts nothing by itself.
int ListenOnLoopback(uint16_t& port);
// A port that was free a moment ago.
uint16_t FreePort();

}  // namespace skald_test
