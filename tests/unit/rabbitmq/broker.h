// A real RabbitMQ broker for tests: on loopback, with ports, a node name and a directory of its
// own, run as whoever runs the test. Its processes stay in the test's process group.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace skald_test {

class Broker {
 public:
  // Starts it, and waits until it listens. Throws, saying what to install, where the programs are
  // missing.
  Broker();
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  uint16_t port() const { return port_; }

  // Ends it at once. A later Start finds the same data.
  void Kill();
  // Asks it to end, and waits.
  void Stop();
  // Begins to start it; Listen waits until it takes connections.
  void Start();
  void Listen();
  // Runs rabbitmqctl. Throws with what it says when it fails.
  void Control(std::vector<std::string> arguments);

 private:
  pid_t Spawn(std::vector<std::string> command, const std::string& output) const;
  pid_t beam() const;
  bool Listens() const;
  void Reap();

  std::string directory_;
  uint16_t port_ = 0;
  std::vector<std::string> environment_;
  pid_t epmd_ = -1;
  pid_t server_ = -1;  // the script, whose child is the broker
};

// Shared by the cases of a test program, since it takes seconds to start. Ends with the program.
Broker& SharedBroker();

uint16_t FreePort();

}  // namespace skald_test
